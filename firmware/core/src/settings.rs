//! What is kept over a reset, by name.

use embedded_storage_async::nor_flash::NorFlash;
use heapless::String;

use crate::calibration::RECORD_LENGTH;
use crate::control::LABEL_MAX;
use crate::pairing::{BONDS_MAX, Bonds, Kept, Subscriptions};
use crate::statistics::Crash;
use crate::store::{Key, Store, StoreError};

const BOOT_NUMBER: Key = Key { kind: 1, index: 0 };
const CALIBRATION: Key = Key { kind: 2, index: 0 };
const LABEL: Key = Key { kind: 3, index: 0 };
const OPTIONS: Key = Key { kind: 4, index: 0 };
const CRASH: Key = Key { kind: 6, index: 0 };
const OPEN_PAIRING_AT_BOOT: Key = Key { kind: 7, index: 0 };

const fn bond_key(place: u8) -> Key {
    Key { kind: 5, index: place }
}

const fn subscriptions_key(place: u8) -> Key {
    Key { kind: 8, index: place }
}

/// The settings in memory, each change written through to flash first.
#[derive(Debug)]
pub struct Settings<F> {
    store: Store<F>,
    /// Boots since the store was made, this one included.
    pub boot_number: u16,
    /// The stored calibration record.
    pub calibration: Option<[u8; RECORD_LENGTH]>,
    /// The label that the owner gave.
    pub label: String<LABEL_MAX>,
    /// Option bits.
    pub options: u8,
    /// Known centrals.
    pub bonds: Bonds,
    /// The last crash.
    pub crash: Crash,
    /// The sensor is as it left the factory, or was just reset to that.
    pub factory_new: bool,
}

impl<F: NorFlash> Settings<F> {
    /// Load everything and count this boot. `crash` is what the memory kept of the run before.
    ///
    /// # Errors
    /// When the flash fails.
    pub async fn load(flash: F, base: u32, crash: Option<Crash>) -> Result<Self, StoreError> {
        let (mut store, found) = Store::open(flash, base).await?;
        let boots = store.get(BOOT_NUMBER).await?;
        let boots = boots.and_then(|value| value.into_array::<2>().ok()).map_or(0, u16::from_le_bytes);
        let mut settings = Self {
            boot_number: boots.wrapping_add(1),
            calibration: store.get(CALIBRATION).await?.and_then(|value| value.into_array().ok()),
            label: load_label(&mut store).await?,
            options: store.get(OPTIONS).await?.and_then(|value| value.first().copied()).unwrap_or(0),
            bonds: load_bonds(&mut store).await?,
            crash: Crash::default(),
            factory_new: !found || store.get(OPEN_PAIRING_AT_BOOT).await?.is_some(),
            store,
        };
        settings.store.set(BOOT_NUMBER, &settings.boot_number.to_le_bytes()).await?;
        settings.store.remove(OPEN_PAIRING_AT_BOOT).await?;
        settings.load_crash(crash).await?;
        Ok(settings)
    }

    async fn load_crash(&mut self, crash: Option<Crash>) -> Result<(), StoreError> {
        if let Some(crash) = crash {
            let crash = Crash { boot_number: self.boot_number.wrapping_sub(1), ..crash };
            self.store.set(CRASH, &crash.record()).await?;
        }
        let stored = self.store.get(CRASH).await?;
        self.crash = stored.and_then(|record| Crash::from_record(&record)).unwrap_or_default();
        Ok(())
    }

    /// Keep a calibration record.
    ///
    /// # Errors
    /// When the flash fails; the old record then stays.
    pub async fn set_calibration(&mut self, record: [u8; RECORD_LENGTH]) -> Result<(), StoreError> {
        self.store.set(CALIBRATION, &record).await?;
        self.calibration = Some(record);
        Ok(())
    }

    /// Keep a label.
    ///
    /// # Errors
    /// When the flash fails; the old label then stays.
    pub async fn set_label(&mut self, label: String<LABEL_MAX>) -> Result<(), StoreError> {
        self.store.set(LABEL, label.as_bytes()).await?;
        self.label = label;
        Ok(())
    }

    /// Keep option bits.
    ///
    /// # Errors
    /// When the flash fails; the old ones then stay.
    pub async fn set_options(&mut self, options: u8) -> Result<(), StoreError> {
        self.store.set(OPTIONS, &[options]).await?;
        self.options = options;
        Ok(())
    }

    /// Keep a bond at its place.
    ///
    /// # Errors
    /// When the flash fails.
    pub async fn save_bond(&mut self, kept: Kept) -> Result<(), StoreError> {
        self.store.set(bond_key(kept.place), &kept.bond.encode(kept.used)).await
    }

    /// Forget the bond at a place.
    ///
    /// # Errors
    /// When the flash fails.
    pub async fn remove_bond(&mut self, place: u8) -> Result<(), StoreError> {
        self.store.remove(bond_key(place)).await?;
        self.remove_subscriptions(place).await
    }

    /// What the central of a bond subscribed to.
    ///
    /// # Errors
    /// When the flash fails.
    pub async fn subscriptions(&mut self, place: u8) -> Result<Option<Subscriptions>, StoreError> {
        Ok(self.store.get(subscriptions_key(place)).await?.and_then(|stored| Subscriptions::decode(&stored)))
    }

    /// Keep what the central of a bond subscribed to.
    ///
    /// # Errors
    /// When the flash fails; the old record then stays.
    pub async fn save_subscriptions(&mut self, place: u8, kept: &Subscriptions) -> Result<(), StoreError> {
        self.store.set(subscriptions_key(place), &kept.encode()).await
    }

    /// Forget what the central of a bond subscribed to.
    ///
    /// # Errors
    /// When the flash fails.
    pub async fn remove_subscriptions(&mut self, place: u8) -> Result<(), StoreError> {
        self.store.remove(subscriptions_key(place)).await
    }

    /// Forget all bonds.
    ///
    /// # Errors
    /// When the flash fails.
    pub async fn clear_bonds(&mut self) -> Result<(), StoreError> {
        for place in 0..BONDS_MAX as u8 {
            self.remove_bond(place).await?;
        }
        self.bonds.clear();
        Ok(())
    }

    /// Back to how the sensor left the factory, but for what describes the hardware and its history: calibration,
    /// boot number and last crash. The next boot opens the pairing window.
    ///
    /// # Errors
    /// When the flash fails.
    pub async fn factory_reset(&mut self) -> Result<(), StoreError> {
        self.store.set(OPEN_PAIRING_AT_BOOT, &[1]).await?;
        self.clear_bonds().await?;
        self.store.remove(LABEL).await?;
        self.store.remove(OPTIONS).await?;
        self.label.clear();
        self.options = 0;
        Ok(())
    }

    /// The flash.
    pub fn into_flash(self) -> F {
        self.store.into_flash()
    }
}

async fn load_label<F: NorFlash>(store: &mut Store<F>) -> Result<String<LABEL_MAX>, StoreError> {
    let stored = store.get(LABEL).await?.unwrap_or_default();
    let text = core::str::from_utf8(&stored).unwrap_or_default();
    Ok(String::try_from(text).unwrap_or_default())
}

async fn load_bonds<F: NorFlash>(store: &mut Store<F>) -> Result<Bonds, StoreError> {
    let mut bonds = Bonds::default();
    for place in 0..BONDS_MAX as u8 {
        if let Some(stored) = store.get(bond_key(place)).await? {
            bonds.restore(place, &stored);
        }
    }
    Ok(bonds)
}
