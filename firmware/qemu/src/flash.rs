//! The sensor's flash, played in the machine's memory at the sensor's addresses, with the rules of NOR flash: pages are
//! erased, words written once. The power can be cut in the middle of any word or page.

use core::slice;

use bandsense_update::layout::xiao_nrf52840::{LAYOUT, STORAGE};
use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

const PAGE: usize = 4096;
const WORD: usize = 4;
const START: usize = LAYOUT.floor.start as usize;
const END: usize = STORAGE.start as usize + STORAGE.len as usize;

/// The power went, or the flash was used against its rules.
#[derive(Debug)]
pub struct Failed;

impl NorFlashError for Failed {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

/// The flash from the security counter's page to the end of the storage. There is one.
pub struct Flash {
    steps: u32,
    cut_at: Option<u32>,
    torn: u32,
}

/// All that is in it.
fn memory() -> &'static mut [u8] {
    // SAFETY: the linker puts nothing there, and the program has one thread that keeps no reference over a call.
    unsafe { slice::from_raw_parts_mut(START as *mut u8, END - START) }
}

impl Flash {
    /// Erased as far as `end`.
    pub fn erased(end: u32) -> Self {
        memory()[..end as usize - START].fill(0xff);
        Self::powered()
    }

    /// As it was left, with power that lasts.
    pub const fn powered() -> Self {
        Self { steps: 0, cut_at: None, torn: 1 }
    }

    /// As it was left, with power for so many steps; `seed` decides what the last one leaves.
    pub const fn cut_at(step: u32, seed: u32) -> Self {
        Self { steps: 0, cut_at: Some(step), torn: seed | 1 }
    }

    /// Words written and pages erased.
    pub const fn steps(&self) -> u32 {
        self.steps
    }

    /// Put bytes there as a programmer would.
    pub fn program(&mut self, at: u32, bytes: &[u8]) {
        memory()[at as usize - START..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Whether this step is the one that is torn.
    fn step(&mut self) -> Result<bool, Failed> {
        if self.cut_at.is_some_and(|cut| self.steps > cut) {
            return Err(Failed);
        }
        self.steps += 1;
        Ok(self.cut_at == Some(self.steps - 1))
    }

    /// xorshift32; all ones and all zeros are more likely than chance has them.
    fn random(&mut self) -> u8 {
        self.torn ^= self.torn << 13;
        self.torn ^= self.torn >> 17;
        self.torn ^= self.torn << 5;
        match self.torn % 4 {
            0 => 0x00,
            1 => 0xff,
            _ => (self.torn >> 16) as u8,
        }
    }
}

impl ErrorType for Flash {
    type Error = Failed;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Failed> {
        if self.cut_at.is_some_and(|cut| self.steps > cut) {
            return Err(Failed);
        }
        let from = (offset as usize).checked_sub(START).ok_or(Failed)?;
        bytes.copy_from_slice(memory().get(from..from + bytes.len()).ok_or(Failed)?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        END
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Failed> {
        let (from, to) = ((from as usize).checked_sub(START).ok_or(Failed)?, to as usize - START);
        for page in (from..to).step_by(PAGE) {
            let torn = self.step()?;
            for at in page..page + PAGE {
                let gained = if torn { self.random() } else { 0xff };
                *memory().get_mut(at).ok_or(Failed)? |= gained;
            }
            if torn {
                return Err(Failed);
            }
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Failed> {
        let from = (offset as usize).checked_sub(START).ok_or(Failed)?;
        for (i, word) in bytes.chunks(WORD).enumerate() {
            let torn = self.step()?;
            for (j, byte) in word.iter().enumerate() {
                let kept = if torn { self.random() } else { 0 };
                *memory().get_mut(from + i * WORD + j).ok_or(Failed)? &= byte | kept;
            }
            if torn {
                return Err(Failed);
            }
        }
        Ok(())
    }
}

/// The same flash for two holders, as boot loader and application are.
pub struct Borrowed<'a>(pub &'a mut Flash);

impl ErrorType for Borrowed<'_> {
    type Error = Failed;
}

impl ReadNorFlash for Borrowed<'_> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Failed> {
        self.0.read(offset, bytes).await
    }

    fn capacity(&self) -> usize {
        END
    }
}

impl NorFlash for Borrowed<'_> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Failed> {
        self.0.erase(from, to).await
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Failed> {
        self.0.write(offset, bytes).await
    }
}
