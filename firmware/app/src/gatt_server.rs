//! The attribute table. Handles never depend on what is switched on: optional services come last.
//!
//! It is made by hand and not by trouble's `#[gatt_server]`: which services there are, and which of them ask for
//! encryption, is known at run time only, and the derived table is the same in every sensor.

use bandsense_core::advertising::{self, NAME_MAX, SERVICE_UUID};
use bandsense_core::control::{LABEL_MAX, OPTION_PRIVATE_ADDRESS, OPTION_PROGRESSOR};
use bandsense_core::force;
use bandsense_core::hal::{Adc, Identity};
use bandsense_core::information::{INFORMATION_MAX, Information, feature};
use bandsense_core::pairing::Subscriptions;
use bandsense_core::progressor;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use heapless::{String, Vec};
use trouble_host::prelude::*;

use crate::board::Board;
use crate::ignore;
use crate::sensor_state::SensorState;

const MEASUREMENT_UUID: u128 = 0xb5e5_0002_3c1f_4f0e_9a57_6d2b_41c7_e8a0;
const CONTROL_UUID: u128 = 0xb5e5_0003_3c1f_4f0e_9a57_6d2b_41c7_e8a0;
const INFORMATION_UUID: u128 = 0xb5e5_0004_3c1f_4f0e_9a57_6d2b_41c7_e8a0;
const SMP_SERVICE_UUID: u128 = 0x8d53_dc1d_1db7_4cd3_868b_8a52_7460_aa84;
const SMP_UUID: u128 = 0xda2e_7828_fbce_4e01_ae9e_2611_7499_7c48;
const DATABASE_HASH_UUID: u16 = 0x2B2A;
const APPEARANCE: [u8; 2] = force::APPEARANCE_FORCE_GAUGE.to_le_bytes();
const MANUFACTURER: &str = "bandsense";
const SERIAL_DIGITS: usize = 16;

/// Attributes of all services together, with room for a few more.
const ATTRIBUTES_MAX: usize = 64;
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
            let digit = char::from_digit((identity.serial >> shift & 0xF) as u32, 16).unwrap_or('0');
            ignore(serial.push(digit), "sixteen digits have room");
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
    force: [u8; 4],
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
pub struct GattTable<'v> {
    pub server: Server<'v>,
    /// Tells this table from every other.
    pub digest: [u8; 8],
    pub service_changed: Characteristic<[u8; 4]>,
    name: Characteristic<Bytes<NAME_STORAGE>>,
    information: Characteristic<Bytes<INFORMATION_MAX>>,
    pub battery_level: Characteristic<u8>,
    pub measurement: Characteristic<Bytes<1>>,
    pub control: Characteristic<Bytes<1>>,
    pub smp: Option<Characteristic<Bytes<1>>>,
    pub force: Characteristic<[u8; 4]>,
    pub progressor: Option<Progressor>,
}

impl<'v> GattTable<'v> {
    pub fn build<B: Board>(strings: &'v Strings, values: &'v mut Values, sensor: &SensorState<B>) -> Self {
        let secret = match sensor.identity.passkey {
            Some(_) => PermissionLevel::AuthenticationRequired,
            None => PermissionLevel::EncryptionRequired,
        };
        // Who hides their address does not tell strangers who they are either.
        let identifying = if sensor.is_private() { secret } else { PermissionLevel::Allowed };
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
        let service_changed = service
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
            .read_permission(identifying)
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
            service.add_characteristic_ro(uuid, text).read_permission(identifying).build();
        }

        let smp = sensor.update.is_some().then(|| {
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

        let mut service = table.add_service(Service::new(Uuid::from(force::SERVICE_UUID)));
        let force = service
            .add_characteristic(
                Uuid::from(force::FORCE_UUID),
                [CharacteristicProp::Read, CharacteristicProp::Notify],
                force::UNKNOWN,
                &mut values.force,
            )
            .read_permission(secret)
            .cccd_permission(secret)
            .build();

        let progressor = (sensor.options.get() & OPTION_PROGRESSOR != 0).then(|| {
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
        let whole = table.hash().to_le_bytes();
        let mut digest = [0; 8];
        digest.iter_mut().zip(whole).for_each(|(kept, byte)| *kept = byte);
        let server = AttributeServer::new(table);
        ignore(hash.set(&server, &whole), "it fits its storage");
        Self {
            server,
            digest,
            service_changed,
            name,
            information,
            battery_level,
            measurement,
            control,
            smp,
            force,
            progressor,
        }
    }

    pub fn smp_handle(&self) -> Option<u16> {
        self.smp.as_ref().map(|smp| smp.handle)
    }

    pub fn progressor_control_handle(&self) -> Option<u16> {
        self.progressor.as_ref().map(|progressor| progressor.control.handle)
    }

    /// Handles of everything that a client can subscribe to, in the order in which subscriptions are stored: new ones
    /// come last.
    fn configurations(&self) -> impl Iterator<Item = Option<u16>> {
        [
            self.service_changed.cccd_handle,
            self.measurement.cccd_handle,
            self.control.cccd_handle,
            self.battery_level.cccd_handle,
            self.smp.as_ref().and_then(|smp| smp.cccd_handle),
            self.force.cccd_handle,
            self.progressor.as_ref().and_then(|progressor| progressor.data.cccd_handle),
        ]
        .into_iter()
    }

    /// What the client of a connection subscribed to.
    pub fn subscriptions(
        &self,
        connection: &GattConnection<'_, '_, DefaultPacketPool>,
    ) -> Option<Subscriptions> {
        let table = self.server.get_client_att_table(connection.raw())?;
        let configuration = |handle: Option<u16>| {
            let value = handle.and_then(|handle| table.get(handle));
            value.and_then(|value| value.first().copied()).unwrap_or(0)
        };
        let configurations = self.configurations().map(configuration).collect();
        Some(Subscriptions { table: self.digest, configurations })
    }

    /// Let the client of a connection be subscribed to what it was subscribed to.
    pub fn restore_subscriptions(
        &self,
        connection: &GattConnection<'_, '_, DefaultPacketPool>,
        kept: &Subscriptions,
    ) {
        let Some(mut table) = self.server.get_client_att_table(connection.raw()) else { return };
        for (handle, configuration) in self.configurations().zip(&kept.configurations) {
            if let Some(handle) = handle {
                ignore(table.write(handle, 0, &[*configuration, 0]), "the handle is in the table");
            }
        }
        self.server.set_client_att_table(connection.raw(), &table.view());
    }

    /// Bring the values up to date that clients can read.
    pub async fn refresh<B: Board>(&self, sensor: &SensorState<B>) {
        let settings = sensor.settings.lock().await;
        let information = Information {
            features: features(sensor),
            serial: sensor.identity.serial,
            gain: <B::Adc as Adc>::GAIN,
            rates: Information::ALL_RATES,
            boot_number: settings.boot_number,
            full_scale_mn: sensor.identity.full_scale_mn,
            highest_count: <B::Adc as Adc>::RANGE.highest,
            lowest_count: <B::Adc as Adc>::RANGE.lowest,
            options: settings.options,
            label: &settings.label,
        };
        let own_name = sensor.own_name();
        let shown = if settings.label.is_empty() { own_name.as_str() } else { settings.label.as_str() };
        ignore(self.information.set(&self.server, &information.encode()), FITS);
        ignore(self.name.set(&self.server, &shown.bytes().collect()), FITS);
        ignore(self.battery_level.set(&self.server, &sensor.battery_level()), FITS);
    }
}

const FITS: &str = "the value fits its storage";

impl<B: Board> SensorState<B> {
    /// Strangers cannot tell which sensor it is.
    pub fn is_private(&self) -> bool {
        self.identity.irk.is_some() && self.options.get() & OPTION_PRIVATE_ADDRESS != 0
    }

    /// The name without a label; without digits where they would tell strangers which sensor it is.
    fn own_name(&self) -> String<NAME_MAX> {
        let prefix = if self.options.get() & OPTION_PROGRESSOR != 0 {
            progressor::NAME_PREFIX
        } else {
            advertising::NAME_PREFIX
        };
        if self.is_private() {
            String::try_from(advertising::SHORTENED_NAME).unwrap_or_default()
        } else {
            advertising::name(prefix, self.identity.serial)
        }
    }
}

fn features<B: Board>(sensor: &SensorState<B>) -> u16 {
    [
        (true, feature::PROGRESSOR),
        (sensor.update.is_some(), feature::UPDATE),
        (<B::Adc as Adc>::THERMOMETER, feature::TEMPERATURE),
        (true, feature::WAKE_ON_TENSION),
        (sensor.identity.passkey.is_some(), feature::FIXED_PASSKEY),
        (true, feature::FORCE_SERVICE),
        (sensor.identity.irk.is_some(), feature::PRIVATE_ADDRESS),
    ]
    .into_iter()
    .filter(|(present, _)| *present)
    .fold(0, |bits, (_, bit)| bits | bit)
}
