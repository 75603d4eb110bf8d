//! A small key–value store in two flash pages that loses nothing to a power cut.
//!
//! ```text
//!   page A, generation 7                    page B, generation 6, or half written
//!   ┌────────────┬───────┬───────┬──────    ┌────────────┬───────┬──────
//!   │ header (0) │ k1=a  │ k2=b  │ k1=c …   │ header (0) │ …     │
//!   └────────────┴───────┴───────┴──────    └────────────┴───────┴──────
//!    slot: CRC-32 │ kind │ index │ length │ flags │ up to 56 bytes, erased bytes beyond
//! ```
//!
//! A page is an array of 64-byte slots. Slot 0 is the page's header with its generation; every later slot holds one
//! value, the newest of a key counts, and a deletion is a slot of its own. When a page is full, the living values
//! are copied to the other page, which was erased for it, and its header is written last with the next generation:
//! until then the old page counts. The page with the higher generation and a valid header is the store.
//!
//! **Power cuts.** NOR flash turns bits from 1 to 0 when it is written and to 1 when a whole page is erased; either
//! may be cut short anywhere. A slot that was cut while being written fails its check sum and is passed over. A copy
//! that was cut has no valid header, and the old page is still whole, since it is erased only by the compaction after
//! this one. So at any cut the store holds, of the value being written, either the old or the new, and all others as
//! they were; the tests cut the power at every single flash operation.
//!
//! **Wear.** Equal values are not written again. Two pages are erased in turn, once for every full page of changes.
//!
//! **What it assumes.** A unit of writing divides 64 bytes, a page holds at least 32 slots, and what was written and
//! read back once stays as it is.

use embedded_storage_async::nor_flash::NorFlash;
use heapless::Vec;

use crate::calibration::crc32;

/// Bytes of a slot.
pub const SLOT_LENGTH: usize = 64;
/// Bytes of the longest value.
pub const VALUE_MAX: usize = SLOT_LENGTH - 8;
/// Keys that can be alive at once.
pub const KEYS_MAX: usize = 24;

const HEADER_KIND: u8 = 0xB5;
const DELETED: u8 = 1;
const ERASED: u8 = 0xFF;

/// What a value is, and which of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// What the value is; not 0xB5 or 0xFF.
    pub kind: u8,
    /// Which of several.
    pub index: u8,
}

/// A value out of the store.
pub type Value = Vec<u8, VALUE_MAX>;

/// Why the store could not do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// The flash reported an error, or did not keep what was written.
    Flash,
    /// Too long a value or too many keys.
    Full,
}

#[derive(Clone)]
struct Slot([u8; SLOT_LENGTH]);

struct Content<'a> {
    key: Key,
    deleted: bool,
    value: &'a [u8],
}

impl Slot {
    fn new(key: Key, value: Option<&[u8]>) -> Result<Self, StoreError> {
        let content = value.unwrap_or_default();
        let mut bytes = [ERASED; SLOT_LENGTH];
        let [_, _, _, _, kind, index, length, flags, rest @ ..] = &mut bytes;
        *kind = key.kind;
        *index = key.index;
        *length = content.len() as u8;
        *flags = if value.is_none() { DELETED } else { 0 };
        rest.get_mut(..content.len()).ok_or(StoreError::Full)?.copy_from_slice(content);
        let (crc, checked) = bytes.split_at_mut(4);
        crc.copy_from_slice(&crc32(checked).to_le_bytes());
        Ok(Self(bytes))
    }

    fn is_erased(&self) -> bool {
        self.0.iter().all(|byte| *byte == ERASED)
    }

    fn content(&self) -> Option<Content<'_>> {
        let (crc, checked) = self.0.split_first_chunk::<4>()?;
        if crc32(checked) != u32::from_le_bytes(*crc) {
            return None;
        }
        let ([kind, index, length, flags], rest) = checked.split_first_chunk::<4>()?;
        Some(Content {
            key: Key { kind: *kind, index: *index },
            deleted: flags & DELETED != 0,
            value: rest.get(..usize::from(*length))?,
        })
    }
}

/// The store, in the two erase pages of `F` that begin at `base`.
#[derive(Debug)]
pub struct Store<F> {
    flash: F,
    base: u32,
    page: u32,
    generation: u32,
    next_slot: u32,
}

impl<F: NorFlash> Store<F> {
    const PAGE_LENGTH: u32 = F::ERASE_SIZE as u32;
    const SLOTS: u32 = Self::PAGE_LENGTH / SLOT_LENGTH as u32;
    const FITS: () = assert!(SLOT_LENGTH.is_multiple_of(F::WRITE_SIZE) && F::ERASE_SIZE >= 32 * SLOT_LENGTH);

    /// Bytes of flash that the store takes.
    pub const LENGTH: u32 = 2 * Self::PAGE_LENGTH;

    /// Find the store in the flash at `base`, or make an empty one. Tells whether it was found.
    ///
    /// # Errors
    /// `Flash` when the flash fails.
    pub async fn open(flash: F, base: u32) -> Result<(Self, bool), StoreError> {
        let () = Self::FITS;
        let mut store = Self { flash, base, page: 0, generation: 0, next_slot: 0 };
        let first = store.generation_of(0).await?;
        let second = store.generation_of(1).await?;
        let newest = first.max(second);
        if let Some(generation) = newest {
            store.page = u32::from(second == newest);
            store.generation = generation;
            store.next_slot = store.first_free().await?;
        } else {
            store.begin_page(0, &[]).await?;
        }
        Ok((store, newest.is_some()))
    }

    /// The value of a key.
    ///
    /// # Errors
    /// `Flash` when the flash fails.
    pub async fn get(&mut self, key: Key) -> Result<Option<Value>, StoreError> {
        for index in (1..self.next_slot).rev() {
            let slot = self.read_slot(self.page, index).await?;
            if let Some(content) = slot.content().filter(|content| content.key == key) {
                return Ok((!content.deleted).then(|| content.value.iter().copied().collect()));
            }
        }
        Ok(None)
    }

    /// Keep a value over resets.
    ///
    /// # Errors
    /// `Full` for too long a value or too many keys; `Flash` when the flash fails. The old value then stays.
    pub async fn set(&mut self, key: Key, value: &[u8]) -> Result<(), StoreError> {
        if self.get(key).await?.as_deref() == Some(value) {
            return Ok(());
        }
        self.append(&Slot::new(key, Some(value))?).await
    }

    /// Forget a value.
    ///
    /// # Errors
    /// `Flash` when the flash fails.
    pub async fn remove(&mut self, key: Key) -> Result<(), StoreError> {
        if self.get(key).await?.is_none() {
            return Ok(());
        }
        self.append(&Slot::new(key, None)?).await
    }

    /// The flash, for whoever else lives in it.
    pub fn into_flash(self) -> F {
        self.flash
    }

    async fn append(&mut self, slot: &Slot) -> Result<(), StoreError> {
        for _ in 0..Self::SLOTS {
            if self.next_slot >= Self::SLOTS {
                self.compact().await?;
            }
            let index = self.next_slot;
            self.next_slot += 1;
            // A slot that does not keep its content is worn or was disturbed: the next one is tried.
            if self.write_slot(self.page, index, slot).await? {
                return Ok(());
            }
        }
        Err(StoreError::Flash)
    }

    /// Copy the living values to the other page.
    async fn compact(&mut self) -> Result<(), StoreError> {
        let mut seen = Vec::<Key, KEYS_MAX>::new();
        let mut alive = Vec::<u32, KEYS_MAX>::new();
        for index in (1..self.next_slot).rev() {
            let slot = self.read_slot(self.page, index).await?;
            let Some(content) = slot.content().filter(|content| !seen.contains(&content.key)) else {
                continue;
            };
            seen.push(content.key).map_err(|_| StoreError::Full)?;
            if !content.deleted {
                alive.push(index).map_err(|_| StoreError::Full)?;
            }
        }
        self.begin_page(1 - self.page, &alive).await
    }

    /// Fill `page` with slots of the current one and make it the current one.
    async fn begin_page(&mut self, page: u32, alive: &[u32]) -> Result<(), StoreError> {
        let start = self.base + page * Self::PAGE_LENGTH;
        let end = start + Self::PAGE_LENGTH;
        self.flash.erase(start, end).await.map_err(|_| StoreError::Flash)?;
        let mut next_slot = 1;
        for index in alive {
            let slot = self.read_slot(self.page, *index).await?;
            while !self.write_slot(page, next_slot, &slot).await? {
                next_slot += 1;
                if next_slot >= Self::SLOTS {
                    return Err(StoreError::Flash);
                }
            }
            next_slot += 1;
        }
        let generation = self.generation.wrapping_add(1);
        let header = Slot::new(HEADER_KEY, Some(&generation.to_le_bytes()))?;
        if !self.write_slot(page, 0, &header).await? {
            return Err(StoreError::Flash);
        }
        self.page = page;
        self.generation = generation;
        self.next_slot = next_slot;
        Ok(())
    }

    async fn generation_of(&mut self, page: u32) -> Result<Option<u32>, StoreError> {
        let slot = self.read_slot(page, 0).await?;
        Ok(slot
            .content()
            .filter(|content| content.key == HEADER_KEY)
            .and_then(|content| content.value.try_into().ok())
            .map(u32::from_le_bytes))
    }

    async fn first_free(&mut self) -> Result<u32, StoreError> {
        for index in (1..Self::SLOTS).rev() {
            if !self.read_slot(self.page, index).await?.is_erased() {
                return Ok(index + 1);
            }
        }
        Ok(1)
    }

    fn address(&self, page: u32, index: u32) -> u32 {
        self.base + page * Self::PAGE_LENGTH + index * SLOT_LENGTH as u32
    }

    async fn read_slot(&mut self, page: u32, index: u32) -> Result<Slot, StoreError> {
        let mut bytes = [0; SLOT_LENGTH];
        let address = self.address(page, index);
        self.flash.read(address, &mut bytes).await.map_err(|_| StoreError::Flash)?;
        Ok(Slot(bytes))
    }

    /// Whether the flash kept what was written.
    async fn write_slot(&mut self, page: u32, index: u32, slot: &Slot) -> Result<bool, StoreError> {
        let address = self.address(page, index);
        self.flash.write(address, &slot.0).await.map_err(|_| StoreError::Flash)?;
        Ok(self.read_slot(page, index).await?.0 == slot.0)
    }
}

const HEADER_KEY: Key = Key { kind: HEADER_KIND, index: 0 };

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_futures::block_on;
    use embedded_storage_async::nor_flash::{ErrorType, NorFlashError, NorFlashErrorKind, ReadNorFlash};
    use proptest::prelude::*;
    use std::vec::Vec as StdVec;

    const PAGE: usize = 2048;
    const WORD: usize = 4;

    #[derive(Debug)]
    struct PowerCut;

    impl NorFlashError for PowerCut {
        fn kind(&self) -> NorFlashErrorKind {
            NorFlashErrorKind::Other
        }
    }

    /// NOR flash that loses power after a number of word writes and erase steps.
    #[derive(Debug, Clone)]
    struct Flash {
        bytes: StdVec<u8>,
        steps: usize,
        cut_at: usize,
    }

    impl Flash {
        fn new() -> Self {
            Self { bytes: std::vec![0xA7; 3 * PAGE], steps: 0, cut_at: usize::MAX }
        }

        fn step(&mut self) -> Result<(), PowerCut> {
            if self.steps >= self.cut_at {
                return Err(PowerCut);
            }
            self.steps += 1;
            Ok(())
        }
    }

    impl ErrorType for Flash {
        type Error = PowerCut;
    }

    impl ReadNorFlash for Flash {
        const READ_SIZE: usize = 1;

        async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerCut> {
            let offset = offset as usize;
            bytes.copy_from_slice(&self.bytes[offset..offset + bytes.len()]);
            Ok(())
        }

        fn capacity(&self) -> usize {
            self.bytes.len()
        }
    }

    impl NorFlash for Flash {
        const WRITE_SIZE: usize = WORD;
        const ERASE_SIZE: usize = PAGE;

        /// An erase that is cut leaves a page half erased.
        async fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerCut> {
            assert_eq!((to - from) as usize, PAGE);
            for half in [from as usize, from as usize + PAGE / 2] {
                self.step()?;
                self.bytes[half..half + PAGE / 2].fill(ERASED);
            }
            Ok(())
        }

        /// A word that is cut has only some of its bits programmed.
        async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerCut> {
            for (i, word) in bytes.chunks(WORD).enumerate() {
                let at = offset as usize + i * WORD;
                let torn = self.step().is_err();
                for (j, byte) in word.iter().enumerate() {
                    assert_eq!(self.bytes[at + j] & byte, *byte, "written twice without an erase");
                    self.bytes[at + j] &= if torn { byte | 0x5A } else { *byte };
                }
                if torn {
                    return Err(PowerCut);
                }
            }
            Ok(())
        }
    }

    const BASE: u32 = PAGE as u32;

    fn open(flash: Flash) -> Store<Flash> {
        block_on(Store::open(flash, BASE)).unwrap().0
    }

    fn key(index: u8) -> Key {
        Key { kind: 1, index }
    }

    #[test]
    fn values_outlive_a_reset_and_the_newest_counts() {
        let (mut store, found) = block_on(Store::open(Flash::new(), BASE)).unwrap();
        assert!(!found);
        block_on(async {
            store.set(key(1), b"one").await.unwrap();
            store.set(key(2), b"two").await.unwrap();
            store.set(key(1), b"three").await.unwrap();
            store.remove(key(2)).await.unwrap();
        });
        let (mut store, found) = block_on(Store::open(store.into_flash(), BASE)).unwrap();
        assert!(found);
        assert_eq!(block_on(store.get(key(1))).unwrap().unwrap(), b"three");
        assert_eq!(block_on(store.get(key(2))).unwrap(), None);
        assert_eq!(block_on(store.get(key(3))).unwrap(), None);
    }

    #[test]
    fn unchanged_values_are_not_written_again() {
        let mut store = open(Flash::new());
        block_on(store.set(key(1), b"same")).unwrap();
        let steps = store.flash.steps;
        block_on(store.set(key(1), b"same")).unwrap();
        block_on(store.remove(key(9))).unwrap();
        assert_eq!(store.flash.steps, steps);
    }

    #[test]
    fn too_much_is_refused() {
        let mut store = open(Flash::new());
        assert_eq!(block_on(store.set(key(1), &[0; VALUE_MAX + 1])), Err(StoreError::Full));
        block_on(store.set(key(1), &[0; VALUE_MAX])).unwrap();
    }

    type Change = (u8, Option<[u8; 3]>);

    fn apply<F: NorFlash>(store: &mut Store<F>, (index, value): Change) -> Result<(), StoreError> {
        match value {
            Some(value) => block_on(store.set(key(index), &value)),
            None => block_on(store.remove(key(index))),
        }
    }

    /// Runs `history` until it ends or the power does. Gives what is certain, and the change that was cut.
    fn run_until_cut(flash: &mut Flash, history: &[Change]) -> ([Option<[u8; 3]>; 5], Option<Change>) {
        let mut certain = [None; 5];
        let Ok((mut store, _)) = block_on(Store::open(flash, BASE)) else {
            return (certain, None);
        };
        for change in history {
            if apply(&mut store, *change).is_err() {
                return (certain, Some(*change));
            }
            certain[usize::from(change.0)] = change.1;
        }
        (certain, None)
    }

    /// The power fails at every flash step of a long history. After each cut the key that was being written has
    /// its old or its new value, every other key its last one, and writing goes on.
    #[test]
    fn a_power_cut_at_any_step_leaves_old_or_new() {
        let history: StdVec<Change> =
            (0..70u8).map(|i| (i % 5, (i % 11 != 7).then_some([i, i, i]))).collect();
        let mut flash = Flash::new();
        run_until_cut(&mut flash, &history);
        let total = flash.steps;
        assert!(total > 64 * 16, "the history turns the page");
        let stride = if cfg!(miri) { 97 } else { 1 };
        for cut_at in (0..total).step_by(stride) {
            let mut flash = Flash { cut_at, ..Flash::new() };
            let (certain, cut) = run_until_cut(&mut flash, &history);
            flash.cut_at = usize::MAX;
            let mut store = open(flash);
            for (index, old) in (0..).zip(certain) {
                let found = block_on(store.get(key(index))).unwrap();
                let is = |value: Option<[u8; 3]>| found.as_deref() == value.as_ref().map(|v| &v[..]);
                let new = cut.filter(|change| change.0 == index).map(|change| change.1);
                assert!(is(old) || new.is_some_and(is), "key {index} after a cut at {cut_at}");
            }
            block_on(store.set(key(3), b"after")).unwrap();
            let mut store = open(store.into_flash());
            assert_eq!(block_on(store.get(key(3))).unwrap().unwrap(), b"after");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 32 }, ..crate::vectors::proptest_config() })]

        #[test]
        fn behaves_as_a_map(
            history in proptest::collection::vec((0u8..6, prop::option::of(proptest::collection::vec(any::<u8>(), 0..=VALUE_MAX)), any::<bool>()), 0..if cfg!(miri) { 12 } else { 120 })
        ) {
            let mut store = open(Flash::new());
            let mut map = std::collections::HashMap::new();
            for (index, value, reset) in history {
                match &value {
                    Some(value) => { block_on(store.set(key(index), value)).unwrap(); map.insert(index, value.clone()); }
                    None => { block_on(store.remove(key(index))).unwrap(); map.remove(&index); }
                }
                if reset {
                    store = open(store.into_flash());
                }
                for index in 0..6 {
                    let found = block_on(store.get(key(index))).unwrap();
                    prop_assert_eq!(found.as_deref(), map.get(&index).map(|v| &v[..]));
                }
            }
        }

        #[test]
        fn any_content_of_the_flash_opens(bytes in proptest::collection::vec(any::<u8>(), 64..=64), copies in 0usize..64) {
            let mut flash = Flash::new();
            for i in 0..copies {
                let at = PAGE + i * 64;
                flash.bytes[at..at + 64].copy_from_slice(&bytes);
            }
            let mut store = open(flash);
            block_on(store.set(key(1), b"x")).unwrap();
            prop_assert_eq!(&block_on(store.get(key(1))).unwrap().unwrap()[..], b"x");
        }
    }
}
