//! Where things lie in the flash of the nRF52840, the only flash map so far.
//!
//! The board comes with Adafruit's UF2 boot loader: MBR and SoftDevice below `0x2_7000`, the loader itself from
//! `0xF_4000`. It jumps to `0x2_7000` and some of its releases accept UF2 blocks only below `0xA_D000`; all that a UF2
//! file has to write therefore lies below that.

/// A stretch of flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Region {
    /// The byte after the last.
    #[must_use]
    pub const fn end(self) -> u32 {
        self.start + self.len
    }
}

/// One of the two places for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The slot that a factory image lies in.
    A,
    /// The other one.
    B,
}

impl Slot {
    /// Both slots.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The other slot.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Position in tables, and the number that SMP uses.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The parts of flash that an update touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// A page for each slot's journal.
    pub journal: [Region; 2],
    /// The images.
    pub slot: [Region; 2],
}

/// Size of a flash page, the unit of erasing.
pub const PAGE: u32 = 4096;
/// The boot loader of this crate's users.
pub const BOOT: Region = Region { start: 0x2_7000, len: 9 * PAGE };
/// Journals and slots.
pub const NRF52840: Layout = Layout {
    journal: [Region { start: BOOT.end(), len: PAGE }, Region { start: BOOT.end() + PAGE, len: PAGE }],
    slot: [
        Region { start: BOOT.end() + 2 * PAGE, len: SLOT_LEN },
        Region { start: BOOT.end() + 2 * PAGE + SLOT_LEN, len: SLOT_LEN },
    ],
};
/// Calibration, settings, bonds.
pub const STORAGE: Region = Region { start: 0xE_C000, len: 8 * PAGE };
const SLOT_LEN: u32 = 93 * PAGE;

const _: () = assert!(NRF52840.slot[0].end() <= 0xA_D000, "a UF2 file must be able to write slot A");
const _: () = assert!(NRF52840.slot[1].end() <= STORAGE.start, "slot B must end before the storage");
const _: () = assert!(STORAGE.end() == 0xF_4000, "the storage must end where the UF2 boot loader starts");
