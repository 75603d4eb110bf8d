//! A page that says what has become of a slot's image: entries are appended, the last valid one counts.
//!
//! ```text
//!   ┌───────────────────┬───────────────────┬───────────────────┬──────────
//!   │ pending, gen. 7   │ tried, gen. 7     │ ff ff ff ff …     │  up to 512 in a page of 4096 bytes
//!   └───────────────────┴───────────────────┴───────────────────┴──────────
//!     mark │ generation, 24 bits │ both again, inverted              next ─▶ the first place after what is not erased
//! ```
//!
//! Each entry stands there twice, once as it is and once inverted. A write that is cut short leaves bits at 1 that
//! should be 0, an erase that is cut short turns bits from 0 to 1; neither can make a wrong pair match: to turn one
//! entry into another, some bit would have to fall in one of the halves and rise in the other. A torn entry is passed
//! over, takes up its place, and the one before it counts. So the journal holds, at any cut, either what it held or
//! what was being appended.
//!
//! Reading goes through the whole page rather than to the first erased place: a cut may leave an entry that looks
//! erased in part. It assumes that an entry is written in units that divide 8 bytes, each at most once.

use embedded_storage_async::nor_flash::NorFlash;

use crate::layout::Region;

const ENTRY_LEN: usize = 8;
const BLOCK_LEN: usize = 64;
pub(crate) const GENERATION_MAX: u32 = 0xff_ffff;

/// What happened to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mark {
    /// To be booted once, on trial.
    Pending = 1,
    /// The trial has begun.
    Tried = 2,
    /// The image has proven itself.
    Confirmed = 3,
    /// Not of an image: the lowest security counter that is started, in place of the generation.
    Floor = 4,
}

/// A mark, and its place in the order of all updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub mark: Mark,
    pub generation: u32,
}

impl Entry {
    pub(crate) fn encode(self) -> [u8; ENTRY_LEN] {
        let word = self.generation << 8 | self.mark as u32;
        let mut bytes = [0; ENTRY_LEN];
        bytes[..4].copy_from_slice(&word.to_le_bytes());
        bytes[4..].copy_from_slice(&(!word).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (plain, inverted) = bytes.split_at(4);
        if plain.iter().zip(inverted).any(|(p, i)| *p != !*i) {
            return None;
        }
        let mark = match plain[0] {
            1 => Mark::Pending,
            2 => Mark::Tried,
            3 => Mark::Confirmed,
            4 => Mark::Floor,
            _ => return None,
        };
        Some(Entry { mark, generation: u32::from_le_bytes([plain[1], plain[2], plain[3], 0]) })
    }
}

/// A journal as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Journal {
    pub last: Option<Entry>,
    /// Where the next entry goes, from the start of the page.
    next: u32,
    page: Region,
}

impl Journal {
    pub(crate) async fn read<F: NorFlash>(flash: &mut F, page: Region) -> Result<Self, F::Error> {
        let mut journal = Self { last: None, next: 0, page };
        let mut block = [0; BLOCK_LEN];
        for at in (0..page.len).step_by(BLOCK_LEN) {
            flash.read(page.start + at, &mut block).await?;
            for (i, bytes) in block.chunks_exact(ENTRY_LEN).enumerate() {
                if bytes.iter().any(|byte| *byte != 0xff) {
                    journal.next = at + ((i + 1) * ENTRY_LEN) as u32;
                    journal.last = Entry::decode(bytes).or(journal.last);
                }
            }
        }
        Ok(journal)
    }

    /// Entries that still fit.
    pub(crate) fn room(&self) -> u32 {
        (self.page.len - self.next) / ENTRY_LEN as u32
    }

    pub(crate) fn mark(&self) -> Option<Mark> {
        self.last.map(|entry| entry.mark)
    }

    pub(crate) fn generation(&self) -> u32 {
        self.last.map_or(0, |entry| entry.generation)
    }

    /// Append an entry; there must be room.
    pub(crate) async fn append<F: NorFlash>(
        &self,
        flash: &mut F,
        mark: Mark,
        generation: u32,
    ) -> Result<(), F::Error> {
        let entry = Entry { mark, generation: generation.min(GENERATION_MAX) };
        flash.write(self.page.start + self.next, &entry.encode()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_entry_decodes_to_itself(generation in 0..=GENERATION_MAX, mark in 1_u8..=4) {
            let mark = [Mark::Pending, Mark::Tried, Mark::Confirmed, Mark::Floor][usize::from(mark) - 1];
            let entry = Entry { mark, generation };
            prop_assert_eq!(Entry::decode(&entry.encode()), Some(entry));
        }

        #[test]
        fn no_torn_write_or_erase_makes_another_entry(
            generation in 0..=GENERATION_MAX, mark in 1_u8..=4, stuck in prop::array::uniform8(any::<u8>()),
        ) {
            let mark = [Mark::Pending, Mark::Tried, Mark::Confirmed, Mark::Floor][usize::from(mark) - 1];
            let entry = Entry { mark, generation };
            let whole = entry.encode();
            let torn: Vec<u8> = whole.iter().zip(stuck).map(|(byte, stuck)| byte | stuck).collect();
            let decoded = Entry::decode(&torn);
            prop_assert_eq!(decoded, (torn == whole).then_some(entry));
        }
    }
}
