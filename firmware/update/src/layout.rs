//! Where things lie in flash.

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
    /// A page for the lowest security counter that is started. Only the boot loader writes it, and locks it.
    pub floor: Region,
    /// A page for each slot's journal.
    pub journal: [Region; 2],
    /// The images.
    pub slot: [Region; 2],
}

/// What boot loader and application of the Seeed XIAO nRF52840 agree on, and their linker scripts and tools with them.
///
/// Flash, from below: Nordic's MBR and SoftDevice (kept, unused), the boot loader, the security counter, two journals, two
/// slots, the application's storage, Adafruit's UF2 boot loader. RAM, from below: two words of the MBR, what is kept over a
/// reset (the UF2 boot loader's own memory lies higher), a guard that no access may touch, the stack, which grows
/// towards the guard, everything else.
pub mod xiao_nrf52840 {
    use super::{Layout, Region};

    /// The board's name in images.
    pub const BOARD: &str = "xiao-nrf52840";
    /// Size of a flash page, the unit of erasing.
    pub const PAGE: u32 = 4096;
    /// The boot loader.
    pub const BOOT: Region = Region { start: 0x2_7000, len: 8 * PAGE };
    /// Security counter, journals and slots.
    pub const LAYOUT: Layout = Layout {
        floor: Region { start: BOOT.end(), len: PAGE },
        journal: [Region { start: JOURNALS, len: PAGE }, Region { start: JOURNALS + PAGE, len: PAGE }],
        slot: [
            Region { start: JOURNALS + 2 * PAGE, len: SLOT_LEN },
            Region { start: JOURNALS + 2 * PAGE + SLOT_LEN, len: SLOT_LEN },
        ],
    };
    const JOURNALS: u32 = BOOT.end() + PAGE;
    /// Calibration, settings, bonds.
    pub const STORAGE: Region = Region { start: 0xE_C000, len: 8 * PAGE };
    /// The UF2 boot loader with its settings.
    pub const UF2_LOADER: Region = Region { start: 0xF_4000, len: 12 * PAGE };
    /// What the boot loader locks before it starts an image: everything up to the security counter, and the UF2 boot loader.
    pub const PROTECTED: [Region; 2] = [Region { start: 0, len: LAYOUT.floor.end() }, UF2_LOADER];
    const SLOT_LEN: u32 = 93 * PAGE;
    /// Some releases of the UF2 boot loader write only below this address.
    const UF2_WRITABLE_END: u32 = 0xA_D000;

    const _: () = assert!(LAYOUT.slot[0].end() <= UF2_WRITABLE_END);
    const _: () = assert!(LAYOUT.slot[1].end() <= STORAGE.start);
    const _: () = assert!(STORAGE.end() == UF2_LOADER.start);

    /// Kept over a reset: why the application reset the chip, and why it crashed.
    pub const RETAINED: Region = Region { start: 0x2000_0008, len: 0xf8 };
    /// No access may touch it.
    pub const GUARD: Region = Region { start: 0x2000_0100, len: 0x100 };
    /// The application's stack.
    pub const STACK: Region = Region { start: 0x2000_0200, len: 0x9e00 };
    /// Variables; the boot loader's stack too.
    pub const RAM: Region = Region { start: STACK.end(), len: 0x3_6000 };

    /// The watchdog resets the chip when it is not fed for this long. The boot loader starts it.
    pub const WATCHDOG_SECONDS: u32 = 8;
}
