//! Flash in a file: words are written, pages erased, and the power may fail at any step.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process;
use std::rc::Rc;

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

const CAPACITY: usize = 1 << 20;
const PAGE: usize = 4096;
const WORD: usize = 4;
const ERASED: u8 = 0xFF;
/// The exit status of a program that is killed, which is what a power cut comes to.
const POWER_CUT: i32 = 137;

/// The flash of a chip with 1 MiB, shared by all who hold it.
#[derive(Debug, Clone)]
pub struct FileFlash(Rc<RefCell<Memory>>);

#[derive(Debug)]
struct Memory {
    file: File,
    bytes: Vec<u8>,
    steps: u64,
    cut_at: Option<u64>,
}

impl FileFlash {
    /// The flash in `path`, erased where the file does not reach. With `cut_at` the program ends at that step.
    pub fn open(path: &Path, cut_at: Option<u64>) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let present = file.metadata()?.len().min(CAPACITY as u64) as usize;
        let mut bytes = vec![ERASED; CAPACITY];
        file.read_exact_at(&mut bytes[..present], 0)?;
        file.write_all_at(&bytes[present..], present as u64)?;
        Ok(Self(Rc::new(RefCell::new(Memory { file, bytes, steps: 0, cut_at }))))
    }
}

impl FileFlash {
    /// Words written and pages erased since the program began.
    pub fn steps(&self) -> u64 {
        self.0.borrow().steps
    }
}

impl Memory {
    fn step(&mut self, at: usize, length: usize) -> Result<(), FlashError> {
        let stored = self.file.write_all_at(&self.bytes[at..at + length], at as u64);
        stored.map_err(|_| FlashError::File)?;
        self.steps += 1;
        if self.cut_at == Some(self.steps) {
            process::exit(POWER_CUT);
        }
        Ok(())
    }
}

/// Why the flash did not do what it was told.
#[derive(Debug, Clone, Copy)]
pub enum FlashError {
    /// Beyond its end, or not at a page or a word.
    Address,
    /// The file could not be written.
    File,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Address => NorFlashErrorKind::OutOfBounds,
            Self::File => NorFlashErrorKind::Other,
        }
    }
}

impl ErrorType for FileFlash {
    type Error = FlashError;
}

impl ReadNorFlash for FileFlash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        let memory = self.0.borrow();
        let from = offset as usize;
        let stored = memory.bytes.get(from..from + bytes.len()).ok_or(FlashError::Address)?;
        bytes.copy_from_slice(stored);
        Ok(())
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }
}

impl NorFlash for FileFlash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let (from, to) = (from as usize, to as usize);
        if to > CAPACITY || !from.is_multiple_of(PAGE) || !to.is_multiple_of(PAGE) {
            return Err(FlashError::Address);
        }
        let mut memory = self.0.borrow_mut();
        for page in (from..to).step_by(PAGE) {
            memory.bytes[page..page + PAGE].fill(ERASED);
            memory.step(page, PAGE)?;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let from = offset as usize;
        let aligned = from.is_multiple_of(WORD) && bytes.len().is_multiple_of(WORD);
        if !aligned || from + bytes.len() > CAPACITY {
            return Err(FlashError::Address);
        }
        let mut memory = self.0.borrow_mut();
        for (i, word) in bytes.chunks(WORD).enumerate() {
            let at = from + i * WORD;
            for (stored, byte) in memory.bytes[at..at + WORD].iter_mut().zip(word) {
                *stored &= byte;
            }
            memory.step(at, WORD)?;
        }
        Ok(())
    }
}
