//! Which image runs: choice at boot, trial, confirmation, and writing to the slot that does not run.
//!
//! | journal of a slot says | its image | boots |
//! |---|---|---|
//! | nothing | is being uploaded, or was never asked for | only when nothing else does |
//! | pending | was asked for | once: the boot loader marks the trial before it starts the image |
//! | tried | did not prove itself | only when nothing else does |
//! | confirmed | has proven itself | yes |
//!
//! Of several that boot, the one marked last goes first; every one has to carry a valid signature.
//!
//! ```text
//!              write at 0: erase             request                 select, by the boot loader
//!   any mark ─────────────────▶ nothing ─────────────▶ pending ─────────────────────────────────▶ tried
//!                                  ▲                                                                │ the image runs
//!                                  └────────── the next upload ◀── it hangs or resets: the other    │ confirm, by the
//!                                                                  slot boots                       ▼ image itself
//!                                                                                               confirmed
//! ```
//!
//! **Why one good image always remains.** Only the slot that does not run is written to, and its journal is erased before
//! the first byte of its old image: a half-written image is never marked. The mark `tried` is written *before* the image
//! starts, so that whatever it does (hang, crash, lose power) the next reset finds a trial that was not passed, and boots
//! the other slot. The trial ends by a reset at the latest: the boot loader starts a watchdog that nothing can stop.
//!
//! **Why a power cut changes no choice.** Every step is one entry appended to one page ([`crate::journal`]): before it
//! counts, the journal says what it said before. Cut between erasing and writing, a slot has no mark and boots only where
//! nothing else does. Cut between two marks, the image is still pending, or has been tried and goes back. A factory image
//! has no mark: where both journals are empty, slot A is asked first.
//!
//! **Generations** order the marks of both slots: each request takes the higher of both plus one, and a confirmation stays
//! above the other slot's, so that the image marked last goes first also after a return to the older one.
//!
//! **What it assumes.** The boot loader runs alone and before everything, images are linked for their slot, and 93 pages
//! hold one. A page of flash outlasts 10 000 erasures, a slot as many updates. A full journal refuses another request
//! ([`Error::JournalFull`]) instead of being erased while its marks count.
//!
//! **Anti-rollback.** An image carries a security counter. The boot loader keeps the counter of the image that was confirmed
//! and starts none with a lower one, so that a release with a known hole cannot be brought back over the air. Whoever holds
//! the sensor's button may: [`Floor::Lowered`].

use embedded_storage_async::nor_flash::NorFlash;

pub use crate::image::Policy;
use crate::image::{self, Flaw, Image};
use crate::journal::{GENERATION_MAX, Journal, Mark};
pub use crate::layout::{Layout, Region, Slot};

/// Marks that an update leaves in a journal: pending, tried, confirmed.
const MARKS_OF_AN_UPDATE: u32 = 3;
/// Longest unit of writing that is supported.
const WRITE_SIZE_MAX: usize = 8;

/// Why the slots could not be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Flash could not be read, erased or written.
    Flash,
    /// The image will not do.
    Flaw(Flaw),
    /// The slot's journal is full; uploading to the slot empties it.
    JournalFull,
}

impl From<Flaw> for Error {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

/// What becomes of the lowest security counter that is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    /// Images below it are left aside; a confirmed one above it raises it.
    Kept,
    /// It follows the chosen image down: somebody holds the button.
    Lowered,
}

/// The choice of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// The image to boot, `None` when there is none.
    pub slot: Option<Slot>,
    /// One that would have gone first was left aside for its security counter.
    pub rolled_back: bool,
}

/// What a slot holds, as far as its header, trailer and journal tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The image.
    pub image: Image,
    /// It boots next, on trial.
    pub pending: bool,
    /// It has proven itself.
    pub confirmed: bool,
}

/// The two slots of a flash.
#[derive(Debug)]
pub struct Slots<F> {
    flash: F,
    layout: Layout,
    policy: Policy,
    /// Slots that were examined since they were last written to.
    examined: [bool; 2],
}

impl<F: NorFlash> Slots<F> {
    /// The slots of `layout` in `flash`, for images that `policy` allows.
    pub fn new(flash: F, layout: Layout, policy: Policy) -> Self {
        const {
            assert!(F::WRITE_SIZE <= WRITE_SIZE_MAX && WRITE_SIZE_MAX.is_multiple_of(F::WRITE_SIZE));
            assert!(F::READ_SIZE <= F::WRITE_SIZE);
        };
        Self { flash, layout, policy, examined: [false; 2] }
    }

    /// Choose the image to boot, and mark it when this is its trial.
    ///
    /// Flash that cannot be read counts as a slot without a valid image.
    pub async fn select(&mut self, floor: Floor) -> Selection {
        let [a, b] = [self.journal(Slot::A).await, self.journal(Slot::B).await];
        let generation = |journal: &Result<Journal, Error>| journal.as_ref().map_or(0, Journal::generation);
        let mut order = [(Slot::A, a.clone()), (Slot::B, b.clone())];
        if generation(&b) > generation(&a) {
            order.reverse();
        }
        let lowest = match floor {
            Floor::Kept => self.floor().await,
            Floor::Lowered => 0,
        };
        let mut rolled_back = false;
        for (slot, journal) in &order {
            let Ok(journal) = journal else { continue };
            if !matches!(journal.mark(), Some(Mark::Confirmed | Mark::Pending)) {
                continue;
            }
            let Ok(image) = self.verify(*slot).await else { continue };
            if image.security_counter < lowest {
                rolled_back = true;
                continue;
            }
            if journal.mark() == Some(Mark::Pending) {
                if self.append(journal, Mark::Tried, journal.generation()).await.is_err() {
                    continue;
                }
                if floor == Floor::Kept {
                    return Selection { slot: Some(*slot), rolled_back };
                }
            }
            self.set_floor(image.security_counter).await;
            return Selection { slot: Some(*slot), rolled_back };
        }
        for (slot, _) in &order {
            if self.verify(*slot).await.is_ok_and(|image| image.security_counter >= lowest) {
                return Selection { slot: Some(*slot), rolled_back };
            }
        }
        Selection { slot: None, rolled_back }
    }

    /// The lowest security counter that is started; 0 when the page cannot be read.
    pub async fn floor(&mut self) -> u32 {
        let journal = Journal::read(&mut self.flash, self.layout.floor).await;
        journal.map_or(0, |journal| journal.generation())
    }

    /// Where it cannot be noted, or the page is full after its 512 changes, it stays as it is: an image that boots is worth
    /// more.
    async fn set_floor(&mut self, counter: u32) {
        let counter = counter.min(GENERATION_MAX);
        if let Ok(journal) = Journal::read(&mut self.flash, self.layout.floor).await
            && journal.generation() != counter
        {
            let _ = self.append(&journal, Mark::Floor, counter).await;
        }
    }

    /// Say that the image in `running` has proven itself. Does nothing when that is known already.
    ///
    /// # Errors
    /// [`Error::Flash`], [`Error::JournalFull`].
    pub async fn confirm(&mut self, running: Slot) -> Result<(), Error> {
        let journal = self.journal(running).await?;
        if journal.mark() == Some(Mark::Confirmed) {
            return Ok(());
        }
        let other = self.journal(running.other()).await?;
        let generation = journal.generation().max(other.generation() + 1);
        self.append(&journal, Mark::Confirmed, generation).await
    }

    /// Whether the image in `running` has proven itself.
    ///
    /// # Errors
    /// [`Error::Flash`].
    pub async fn is_confirmed(&mut self, running: Slot) -> Result<bool, Error> {
        Ok(self.journal(running).await?.mark() == Some(Mark::Confirmed))
    }

    /// Have the image in `slot` booted next, on trial. Does nothing when that was asked for already.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn request(&mut self, slot: Slot) -> Result<(), Error> {
        if !self.examined[slot.index()] {
            self.examine(slot).await?;
        }
        let journal = self.journal(slot).await?;
        let other = self.journal(slot.other()).await?;
        let generation = other.generation().max(journal.generation()) + 1;
        if journal.mark() == Some(Mark::Pending) && journal.generation() + 1 == generation {
            return Ok(());
        }
        if journal.room() < MARKS_OF_AN_UPDATE {
            return Err(Error::JournalFull);
        }
        self.append(&journal, Mark::Pending, generation).await
    }

    /// What `slot` holds.
    ///
    /// # Errors
    /// [`Error::Flash`]; [`Error::Flaw`] when there is no image that could boot.
    pub async fn status(&mut self, slot: Slot) -> Result<Status, Error> {
        let region = self.region(slot);
        let image = image::inspect(&mut self.flash, region, &self.policy).await?;
        let mark = self.journal(slot).await?.mark();
        Ok(Status { image, pending: mark == Some(Mark::Pending), confirmed: mark == Some(Mark::Confirmed) })
    }

    /// Check hash and signature of the image in `slot`.
    ///
    /// # Errors
    /// See [`Flaw`].
    pub async fn verify(&mut self, slot: Slot) -> Result<Image, Flaw> {
        let region = self.region(slot);
        image::verify(&mut self.flash, region, &self.policy).await.map(|(image, _)| image)
    }

    /// Check hash, signature and security counter of the image in `slot`. Gives the SHA-256 of the whole file too.
    ///
    /// # Errors
    /// See [`Flaw`].
    pub async fn examine(&mut self, slot: Slot) -> Result<(Image, [u8; 32]), Flaw> {
        let region = self.region(slot);
        let (image, file_hash) = image::verify(&mut self.flash, region, &self.policy).await?;
        if image.security_counter < self.floor().await {
            return Err(Flaw::RolledBack);
        }
        self.examined[slot.index()] = true;
        Ok((image, file_hash))
    }

    /// SHA-256 of the first `len` bytes of `slot`.
    ///
    /// # Errors
    /// [`Flaw::Unreadable`].
    pub async fn sha256(&mut self, slot: Slot, len: u32) -> Result<[u8; 32], Flaw> {
        let start = self.region(slot).start;
        image::sha256(&mut self.flash, start, len).await
    }

    /// Take the image in `slot` out of the choice, for good.
    ///
    /// # Errors
    /// [`Error::Flash`].
    pub async fn erase(&mut self, slot: Slot) -> Result<(), Error> {
        let journal = self.layout.journal[slot.index()];
        self.examined[slot.index()] = false;
        self.erase_region(journal).await?;
        let first = Region { start: self.region(slot).start, len: F::ERASE_SIZE as u32 };
        self.erase_region(first).await
    }

    /// Write a piece of an image, in order from offset 0, erasing what it reaches. Writing at offset 0 takes the old image
    /// out of the choice before a byte of it changes. A piece that ends off the flash's unit of writing is filled up
    /// with ones, so only the last one may.
    ///
    /// # Errors
    /// [`Error::Flash`].
    pub async fn write(&mut self, slot: Slot, at: u32, piece: &[u8]) -> Result<(), Error> {
        let region = self.region(slot);
        let erase_size = F::ERASE_SIZE as u32;
        self.examined[slot.index()] = false;
        if at == 0 {
            self.erase_region(self.layout.journal[slot.index()]).await?;
        }
        let end = at + piece.len() as u32;
        let first_page = at.next_multiple_of(erase_size);
        if first_page < end {
            let len = (end - first_page).next_multiple_of(erase_size);
            self.erase_region(Region { start: region.start + first_page, len }).await?;
        }
        let (whole, rest) = piece.split_at(piece.len() - piece.len() % F::WRITE_SIZE);
        let start = region.start + at;
        if !whole.is_empty() {
            self.flash.write(start, whole).await.map_err(|_| Error::Flash)?;
        }
        if !rest.is_empty() {
            let mut filled = [0xff; WRITE_SIZE_MAX];
            filled[..rest.len()].copy_from_slice(rest);
            let at = start + whole.len() as u32;
            self.flash.write(at, &filled[..F::WRITE_SIZE]).await.map_err(|_| Error::Flash)?;
        }
        Ok(())
    }

    /// Where `slot` lies.
    #[must_use]
    pub fn region(&self, slot: Slot) -> Region {
        self.layout.slot[slot.index()]
    }

    /// Which images are allowed.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    async fn journal(&mut self, slot: Slot) -> Result<Journal, Error> {
        Journal::read(&mut self.flash, self.layout.journal[slot.index()]).await.map_err(|_| Error::Flash)
    }

    async fn append(&mut self, journal: &Journal, mark: Mark, generation: u32) -> Result<(), Error> {
        if journal.room() == 0 {
            return Err(Error::JournalFull);
        }
        journal.append(&mut self.flash, mark, generation).await.map_err(|_| Error::Flash)
    }

    async fn erase_region(&mut self, region: Region) -> Result<(), Error> {
        self.flash.erase(region.start, region.end()).await.map_err(|_| Error::Flash)
    }
}
