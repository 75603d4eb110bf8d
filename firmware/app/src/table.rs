//! The attribute table. Handles never depend on what is switched on: optional services come last.

use bandsense_core::advertising::{NAME_MAX, SERVICE_UUID, name};
use bandsense_core::control::LABEL_MAX;
use bandsense_core::hal::{Adc, Identity};
use bandsense_core::information::{INFORMATION_MAX, Information, feature};
use bandsense_core::progressor;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use heapless::{String, Vec};
use trouble_host::prelude::*;

use crate::board::Board;
use crate::shared::Shared;

const MEASUREMENT_UUID: u128 = 0xb5e5_0002_3c1f_4f0e_9a57_6d2b_41c7_e8a0;
const CONTROL_UUID: u128 = 0xb5e5_0003_3c1f_4f0e_9a57_6d2b_41c7_e8a0;
const INFORMATION_UUID: u128 = 0xb5e5_0004_3c1f_4f0e_9a57_6d2b_41c7_e8a0;
const SMP_SERVICE_UUID: u128 = 0x8d53_dc1d_1db7_4cd3_868b_8a52_7460_aa84;
const SMP_UUID: u128 = 0xda2e_7828_fbce_4e01_ae9e_2611_7499_7c48;
const DATABASE_HASH_UUID: u16 = 0x2B2A;
/// "Generic sensor" of the assigned numbers.
const APPEARANCE: [u8; 2] = 0x0540u16.to_le_bytes();
const MANUFACTURER: &str = "bandsense";
const SERIAL_DIGITS: usize = 16;

/// Attributes of all services together, with room for a few more.
const ATTRIBUTES_MAX: usize = 56;
/// One client is connected; the subscriptions of the bonded ones are remembered.
const CLIENTS_MAX: usize = bandsense_core::pairing::BONDS_MAX + 1;

pub type Server<'v> = AttributeServer<'v, NoopRawMutex, DefaultPacketPool, ATTRIBUTES_MAX, CLIENTS_MAX>;
type Bytes<const N: usize> = Vec<u8, N>;
/// The label, or the advertised name where there is none.
const NAME_STORAGE: usize = if LABEL_MAX > NAME_MAX { LABEL_MAX } else { NAME_MAX };

/// Texts of Device Information.
pub struct Strings {
    serial: String<SERIAL_DIGITS>,
    model: &'static str,
    hardware_revision: &'static str,
    firmware_revision: &'static str,
}

impl Strings {
    pub fn new(identity: &Identity) -> Self {
        let mut serial = String::new();
        for shift in (0..64).step_by(4).rev() {
            // Sixteen digits have room.
            let _ = serial.push(char::from_digit((identity.serial >> shift & 0xF) as u32, 16).unwrap_or('0'));
        }
        Self {
            serial,
            model: identity.model,
            hardware_revision: identity.hardware_revision,
            firmware_revision: identity.firmware_revision,
        }
    }
}

/// Memory of the values.
#[derive(Default)]
pub struct Values {
    name: [u8; NAME_STORAGE],
    information: Storage<INFORMATION_MAX>,
    hash: [u8; 16],
    control: [u8; 1],
    measurement: [u8; 1],
    smp: [u8; 1],
    progressor_data: [u8; 1],
    progressor_control: [u8; 1],
}

struct Storage<const N: usize>([u8; N]);

impl<const N: usize> Default for Storage<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

/// The optional Progressor-compatible service.
pub struct Progressor {
    pub data: Characteristic<Bytes<1>>,
    pub control: Characteristic<Bytes<1>>,
}

/// The attribute server and the characteristics that the application serves itself.
pub struct Table<'v> {
    pub server: Server<'v>,
    name: Characteristic<Bytes<NAME_STORAGE>>,
    information: Characteristic<Bytes<INFORMATION_MAX>>,
    pub battery_level: Characteristic<u8>,
    pub measurement: Characteristic<Bytes<1>>,
    pub control: Characteristic<Bytes<1>>,
    pub smp: Option<Characteristic<Bytes<1>>>,
    pub progressor: Option<Progressor>,
}

impl<'v> Table<'v> {
    pub fn build<B: Board>(strings: &'v Strings, values: &'v mut Values, shared: &Shared<B>) -> Self {
        let secret = match shared.identity.passkey {
            Some(_) => PermissionLevel::AuthenticationRequired,
            None => PermissionLevel::EncryptionRequired,
        };
        let mut table = AttributeTable::<'v, NoopRawMutex, ATTRIBUTES_MAX>::new();

        let mut service = table.add_service(Service::new(service::GAP));
        let name = service
            .add_characteristic(
                characteristic::DEVICE_NAME,
                [CharacteristicProp::Read],
                Bytes::new(),
                &mut values.name,
            )
            .build();
        service.add_characteristic_ro(characteristic::APPEARANCE, &APPEARANCE).build();

        let mut service = table.add_service(Service::new(service::GATT));
        service
            .add_characteristic_small(
                characteristic::SERVICE_CHANGED,
                [CharacteristicProp::Indicate],
                [0u8; 4],
            )
            .build();
        let hash: Characteristic<[u8; 16]> = service
            .add_characteristic(DATABASE_HASH_UUID, [CharacteristicProp::Read], [0u8; 16], &mut values.hash)
            .build();

        let mut service = table.add_service(Service::new(Uuid::from(SERVICE_UUID)));
        let measurement = service
            .add_characteristic(
                Uuid::from(MEASUREMENT_UUID),
                [CharacteristicProp::Notify],
                Bytes::new(),
                &mut values.measurement,
            )
            .cccd_permission(secret)
            .build();
        let control = service
            .add_characteristic(
                Uuid::from(CONTROL_UUID),
                [CharacteristicProp::Write, CharacteristicProp::Indicate],
                Bytes::new(),
                &mut values.control,
            )
            .write_permission(secret)
            .cccd_permission(secret)
            .build();
        let information = service
            .add_characteristic(
                Uuid::from(INFORMATION_UUID),
                [CharacteristicProp::Read],
                Bytes::new(),
                &mut values.information.0,
            )
            .build();

        let mut service = table.add_service(Service::new(service::BATTERY));
        let battery_level = service
            .add_characteristic_small(
                characteristic::BATTERY_LEVEL,
                [CharacteristicProp::Read, CharacteristicProp::Notify],
                0u8,
            )
            .build();

        let mut service = table.add_service(Service::new(service::DEVICE_INFORMATION));
        for (uuid, text) in [
            (characteristic::MANUFACTURER_NAME_STRING, MANUFACTURER),
            (characteristic::MODEL_NUMBER_STRING, strings.model),
            (characteristic::SERIAL_NUMBER_STRING, strings.serial.as_str()),
            (characteristic::HARDWARE_REVISION_STRING, strings.hardware_revision),
            (characteristic::FIRMWARE_REVISION_STRING, strings.firmware_revision),
        ] {
            service.add_characteristic_ro(uuid, text).build();
        }

        let smp = shared.update.is_some().then(|| {
            let mut service = table.add_service(Service::new(Uuid::from(SMP_SERVICE_UUID)));
            service
                .add_characteristic(
                    Uuid::from(SMP_UUID),
                    [CharacteristicProp::WriteWithoutResponse, CharacteristicProp::Notify],
                    Bytes::new(),
                    &mut values.smp,
                )
                .write_permission(secret)
                .cccd_permission(secret)
                .build()
        });

        let progressor = shared.progressor_on.get().then(|| {
            let mut service = table.add_service(Service::new(Uuid::from(progressor::SERVICE_UUID)));
            let data = service
                .add_characteristic(
                    Uuid::from(progressor::DATA_UUID),
                    [CharacteristicProp::Notify],
                    Bytes::new(),
                    &mut values.progressor_data,
                )
                .build();
            let control = service
                .add_characteristic(
                    Uuid::from(progressor::CONTROL_UUID),
                    [CharacteristicProp::Write, CharacteristicProp::WriteWithoutResponse],
                    Bytes::new(),
                    &mut values.progressor_control,
                )
                .build();
            Progressor { data, control }
        });

        // Tells a client that knows the sensor whether what it remembers of the table still holds.
        let digest = table.hash().to_le_bytes();
        let server = AttributeServer::new(table);
        let _ = hash.set(&server, &digest);
        Self { server, name, information, battery_level, measurement, control, smp, progressor }
    }

    pub fn smp_handle(&self) -> Option<u16> {
        self.smp.as_ref().map(|smp| smp.handle)
    }

    pub fn progressor_control_handle(&self) -> Option<u16> {
        self.progressor.as_ref().map(|progressor| progressor.control.handle)
    }

    /// Bring the values up to date that clients can read.
    pub async fn refresh<B: Board>(&self, shared: &Shared<B>) {
        let settings = shared.settings.lock().await;
        let information = Information {
            features: features(shared),
            serial: shared.identity.serial,
            gain: <B::Adc as Adc>::GAIN,
            rates: Information::ALL_RATES,
            boot_number: settings.boot_number,
            full_scale_mn: shared.identity.full_scale_mn,
            highest_count: <B::Adc as Adc>::LIMITS.highest,
            lowest_count: <B::Adc as Adc>::LIMITS.lowest,
            options: settings.options,
            label: &settings.label,
        };
        let own_name: String<NAME_MAX> = name("bandsense-", shared.identity.serial);
        let shown = if settings.label.is_empty() { own_name.as_str() } else { settings.label.as_str() };
        // Each value fits its storage, which is what setting it can fail at.
        let _ = self.information.set(&self.server, &information.encode());
        let _ = self.name.set(&self.server, &shown.bytes().collect());
        let _ = self.battery_level.set(&self.server, &shared.battery_percent());
    }
}

fn features<B: Board>(shared: &Shared<B>) -> u16 {
    [
        (cfg!(feature = "progressor"), feature::PROGRESSOR),
        (shared.update.is_some(), feature::UPDATE),
        (true, feature::WAKE_ON_TENSION),
        (shared.identity.passkey.is_some(), feature::FIXED_PASSKEY),
    ]
    .into_iter()
    .filter(|(present, _)| *present)
    .fold(0, |bits, (_, bit)| bits | bit)
}
