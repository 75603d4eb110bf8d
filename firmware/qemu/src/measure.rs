//! Instructions of what has to be fast. With `-icount shift=0` QEMU's clock advances 1 ns an instruction, and the
//! machine's system timer runs at 25 MHz: a tick is 40 instructions, every time the same number of them.

use alloc::vec;
use core::hint::black_box;

use bandsense_core::hal::{CountRange, Reading};
use bandsense_core::sampler::Sampler;
use bandsense_update::image::{sha256, verify};
use bandsense_update::layout::Slot;
use bandsense_update::layout::xiao_nrf52840::{LAYOUT, PROTECTED};
use bandsense_update::slots::Slots;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_semihosting::hprintln;
use ed25519_dalek::{Signature, Signer, SigningKey};
use embassy_futures::block_on;
use p256_cortex_m4::SecretKey;

use crate::chip::Stub;
use crate::flash::{Borrowed, Flash};
use crate::images::{build, factory, policy, slots};

const INSTRUCTIONS_PER_TICK: u32 = 40;
const TIMER_MAX: u32 = 0xff_ffff;
const SAMPLES_PER_FRAME: usize = 9;
const FRAMES: u32 = 100;
/// About what the application takes.
const IMAGE_LEN: usize = 300 * 1024;

/// Measure, and print a line each: name, instructions.
pub fn run() {
    let mut timer = cortex_m::Peripherals::take().expect("once").SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(TIMER_MAX);
    timer.clear_current();
    timer.enable_counter();
    frame();
    hash_of_an_image();
    signature();
    verify_an_image();
    key_agreement();
    boot_decision();
}

fn measure<T>(name: &str, repetitions: u32, work: impl FnOnce() -> T) -> T {
    let before = SYST::get_current();
    let result = black_box(work());
    let ticks = before.wrapping_sub(SYST::get_current()) & TIMER_MAX;
    hprintln!("instructions {} {}", name, ticks * INSTRUCTIONS_PER_TICK / repetitions);
    result
}

const READING: Reading = Reading { time_us: 0, counts: 0, missed: 0, late_stamp: false, settling: false };

/// From conversions to the bytes of a notification.
fn frame() {
    let mut sampler = Sampler::new(CountRange::FULL);
    sampler.set_samples_per_frame(SAMPLES_PER_FRAME);
    let mut sent = 0;
    measure("frame", FRAMES, || {
        for i in 0..FRAMES * SAMPLES_PER_FRAME as u32 {
            let reading = Reading { time_us: u64::from(i) * 12_500, counts: black_box(i as i32), ..READING };
            sampler.push(reading, |frame| sent += black_box(frame.encode()).len());
        }
    });
    assert_eq!(sent, FRAMES as usize * (11 + 3 * SAMPLES_PER_FRAME));
}

fn large_image() -> Flash {
    let mut flash = Flash::erased(LAYOUT.slot[1].start);
    flash.program(LAYOUT.slot[0].start, &build(Slot::A, 0, 0, &vec![0x5a; IMAGE_LEN]));
    flash.program(LAYOUT.journal[0].start, &crate::images::confirmed(1));
    flash
}

fn hash_of_an_image() {
    let mut flash = large_image();
    let start = LAYOUT.slot[0].start;
    let hash =
        measure("sha256-image", 1, || block_on(sha256(&mut Borrowed(&mut flash), start, IMAGE_LEN as u32)));
    assert!(hash.is_ok());
}

fn signature() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let signature: Signature = key.sign(&[1; 32]);
    let public = key.verifying_key();
    let verified = measure("ed25519-verify", 1, || public.verify_strict(&[1; 32], &signature));
    assert!(verified.is_ok());
}

/// What the application does at the end of an upload. `longest-turn` is its longest stretch without a turn for others.
fn verify_an_image() {
    let mut flash = large_image();
    let mut longest = 0;
    let verified = measure("verify-image", 1, || {
        let mut flash = Borrowed(&mut flash);
        let policy = policy();
        let mut verifying = core::pin::pin!(verify(&mut flash, LAYOUT.slot[0], &policy));
        let mut context = core::task::Context::from_waker(core::task::Waker::noop());
        loop {
            let before = SYST::get_current();
            let polled = verifying.as_mut().poll(&mut context);
            longest = longest.max(before.wrapping_sub(SYST::get_current()) & TIMER_MAX);
            if let core::task::Poll::Ready(verified) = polled {
                break verified;
            }
        }
    });
    assert!(verified.is_ok());
    hprintln!("instructions longest-turn {}", longest * INSTRUCTIONS_PER_TICK);
}

/// What pairing costs, in two stretches that nothing else has a turn in.
fn key_agreement() {
    let ours = SecretKey::from_bytes(&[9; 32]).expect("a key");
    let theirs = SecretKey::from_bytes(&[5; 32]).expect("a key");
    let their_half = measure("p256-public-key", 1, || theirs.public_key());
    let shared = measure("p256-key-agreement", 1, || ours.agree(&their_half));
    assert_eq!(shared.as_bytes(), theirs.agree(&ours.public_key()).as_bytes());
}

/// The boot loader from its first look to the jump, with an image of full length.
fn boot_decision() {
    let mut flash = large_image();
    let mut slots = Slots::new(Borrowed(&mut flash), LAYOUT, policy());
    let mut chip = Stub::default();
    let next = measure("boot", 1, || bandsense_boot::boot(&mut chip, &mut slots, &PROTECTED));
    assert!(matches!(next, bandsense_boot::Next::Image(_)));
    let mut small = factory(&[0; 4500]);
    let next = bandsense_boot::boot(&mut Stub::default(), &mut self::slots(&mut small), &PROTECTED);
    assert!(matches!(next, bandsense_boot::Next::Image(_)));
}
