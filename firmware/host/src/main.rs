//! The sensor's application as a Linux program, on an HCI controller over TCP.

mod h4;
mod run;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use trouble_host::prelude::*;

fn main() {
    env_logger::init();
    let addr = std::env::args().nth(1).unwrap();
    let c: ExternalController<_, 4> = ExternalController::new(h4::H4Tcp::connect(&addr).unwrap());
    let mut res: HostResources<DefaultPacketPool, 1, 2, 1, 5> = HostResources::new();
    let stack = trouble_host::new(c, &mut res)
        .set_random_address(Address::random([1, 2, 3, 4, 5, 0xc6]))
        .build();
    let mut per = stack.peripheral();
    let mut runner = stack.runner();
    let mut table: AttributeTable<'_, NoopRawMutex, 32> = AttributeTable::new();
    GapConfig::default("spike").build(&mut table).unwrap();
    let mut store = [0u8; 20];
    let ch = {
        let mut s = table.add_service(Service::new(0xabcdu16));
        let ch: Characteristic<[u8; 20]> = s
            .add_characteristic(0xabceu16, &[CharacteristicProp::Read, CharacteristicProp::Notify], [7u8; 20], &mut store)
            .cccd_permission(PermissionLevel::EncryptionRequired)
            .build();
        s.build();
        ch
    };
    let server: AttributeServer<'_, NoopRawMutex, DefaultPacketPool, 32, 5> = AttributeServer::new(table);
    let app = async {
        loop {
            let mut adv = [0; 31];
            let n = AdStructure::encode_slice(&[AdStructure::Flags(6), AdStructure::CompleteLocalName(b"spike")], &mut adv).unwrap();
            let a = per
                .advertise(&Default::default(), Advertisement::ConnectableScannableUndirected { adv_data: &adv[..n], scan_data: &[] })
                .await
                .unwrap();
            let conn = a.accept().await.unwrap().with_attribute_server(&server).unwrap();
            conn.raw().set_bondable(true).unwrap();
            println!("connected");
            let ev = async {
                loop {
                    match conn.next().await {
                        GattConnectionEvent::Disconnected { reason } => {
                            println!("disconnected {reason:?}");
                            break;
                        }
                        GattConnectionEvent::Gatt { event } => {
                            event.accept().unwrap().send().await;
                        }
                        _ => {}
                    }
                }
            };
            let tx = async {
                let mut i = 0u8;
                loop {
                    embassy_time::Timer::after_millis(10).await;
                    if ch.should_notify(&conn) {
                        i = i.wrapping_add(1);
                        let _ = ch.notify_raw(&conn, &[i; 20], false).await;
                    }
                }
            };
            embassy_futures::select::select(ev, tx).await;
        }
    };
    run::block_on(embassy_futures::select::select(runner.run(), app));
}
