//! The sensor on any board with an nRF52840 and a NAU7802: radio, converter with time stamps by hardware, power, crash
//! record. A board brings its pins as [`Pins`] and what feeds it as [`CellSense`].
#![no_std]

mod bus;
mod fault;
mod parts;
mod retained;
mod sampler;

use core::sync::atomic::{AtomicU8, Ordering};

use bandsense_app::{Board, Exit, Failure, Parts, Resources, Restart};
use bandsense_core::hal::Identity;
use bandsense_core::nau7802;
use bandsense_core::pins::{ActiveLowLight, ButtonToGround};
use bandsense_core::statistics::{Crash, CrashKind, ResetCause};
use bandsense_update::layout::Slot;
use bandsense_update::layout::xiao_nrf52840::{LAYOUT, STORAGE, WATCHDOG_SECONDS};
use bandsense_update::slots::{Policy, Slots};
use bandsense_update::smp::Server;
use cortex_m::peripheral::SCB;
#[cfg(feature = "defmt")]
use defmt_rtt as _;
use embassy_embedded_hal::flash::partition::Partition;
use embassy_executor::{InterruptExecutor, Spawner};
use embassy_nrf::Peri;
use embassy_nrf::config::{Config, LfclkSource};
use embassy_nrf::gpio::{AnyPin, Input, Level, Pin as _, Port, Pull};
use embassy_nrf::interrupt::{self, InterruptExt, Priority};
use embassy_nrf::mode::Blocking;
use embassy_nrf::rng::Rng;
use embassy_nrf::{bind_interrupts, pac, peripherals, saadc, twim, wdt};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use nrf_mpsl::{Flash, MultiprotocolServiceLayer, SessionMem};
use nrf_sdc::SoftdeviceController;
use static_cell::StaticCell;

use crate::parts::{BoardButton, BoardClock, BoardLight, BoardSystem};
pub use crate::parts::{CellSense, flash_chip_to_deep_power_down, output};
use crate::sampler::{BoardAdc, DataReadyPin};

bind_interrupts!(struct Interrupts {
    EGU0_SWI0 => nrf_mpsl::LowPrioInterruptHandler;
    CLOCK_POWER => nrf_mpsl::ClockInterruptHandler;
    RADIO => nrf_mpsl::HighPrioInterruptHandler;
    TIMER0 => nrf_mpsl::HighPrioInterruptHandler;
    RTC0 => nrf_mpsl::HighPrioInterruptHandler;
    TWISPI0 => twim::InterruptHandler<peripherals::TWISPI0>;
    SAADC => saadc::InterruptHandler;
});

const FLASH_LEN: u32 = 0x10_0000;
const LFCLK_HZ: u32 = 32_768;
/// Skips the half second in which the UF2 boot loader waits for a second press of reset (`DFU_MAGIC_SKIP`).
const START_AT_ONCE: u8 = 0x6d;
/// Asks the UF2 boot loader for its drive (`DFU_MAGIC_UF2_RESET`).
const TO_UF2: u8 = 0x57;

/// Packets of the link layer, each way, with room for an update at full speed.
const PACKETS: u8 = 6;
const PACKET_LEN: u16 = 251;
const CONTROLLER_MEMORY: usize = 6 * 1024;

const _: () = {
    use nrf_sdc::raw::{
        __MEM_MINIMAL_PERIPHERAL_LINK_SIZE, __MEM_RX_BUFFER_OVERHEAD_SIZE, __MEM_TX_BUFFER_OVERHEAD_SIZE,
        SDC_MEM_PERIPHERAL_LINKS_SHARED,
    };
    /// An advertising set of 31 bytes and the accept list, rounded up (`sdc.h`).
    const OTHERS: u32 = 1024;
    let overhead = __MEM_TX_BUFFER_OVERHEAD_SIZE + __MEM_RX_BUFFER_OVERHEAD_SIZE;
    let packets = PACKETS as u32 * (2 * PACKET_LEN as u32 + overhead);
    let needed = __MEM_MINIMAL_PERIPHERAL_LINK_SIZE + packets + SDC_MEM_PERIPHERAL_LINKS_SHARED + OTHERS;
    assert!(needed as usize <= CONTROLLER_MEMORY);
};

#[cfg(feature = "defmt")]
defmt::timestamp!("{=u64:us}", embassy_time::Instant::now().as_micros());

/// The pins that a board connects to button, light and converter.
pub struct Pins {
    /// Data ready of the converter.
    pub data_ready: Peri<'static, AnyPin>,
    /// I²C data and clock.
    pub i2c: (Peri<'static, AnyPin>, Peri<'static, AnyPin>),
    /// To ground while pressed.
    pub button: Peri<'static, AnyPin>,
    /// Red, green and blue, on when low.
    pub light: [Peri<'static, AnyPin>; 3],
    /// The bridge's excitation.
    pub excitation: saadc::AnyInput<'static>,
}

/// What a board is.
pub struct BoardIdentity {
    /// Its name.
    pub model: &'static str,
    /// Its revision.
    pub hardware_revision: &'static str,
    /// `major.minor.patch` of the image.
    pub firmware_revision: &'static str,
}

/// The chip's peripherals that a board leaves to this crate; [`chip!`] takes them out of all of them.
#[allow(missing_docs, reason = "each field is the peripheral of its name")]
pub struct Chip {
    pub mpsl: nrf_mpsl::Peripherals<'static>,
    pub sdc: nrf_sdc::Peripherals<'static>,
    pub rng: Peri<'static, peripherals::RNG>,
    pub nvmc: Peri<'static, peripherals::NVMC>,
    pub wdt: Peri<'static, peripherals::WDT>,
    pub saadc: Peri<'static, peripherals::SAADC>,
    pub stamp: (
        Peri<'static, peripherals::TIMER1>,
        Peri<'static, peripherals::GPIOTE_CH0>,
        Peri<'static, peripherals::PPI_CH0>,
    ),
}

/// Take the chip's own peripherals out of `p`; the pins are left.
#[macro_export]
macro_rules! chip {
    ($p:ident) => {
        $crate::Chip {
            mpsl: $crate::nrf_mpsl::Peripherals::new(
                $p.RTC0,
                $p.TIMER0,
                $p.TEMP,
                $p.PPI_CH19,
                $p.PPI_CH30,
                $p.PPI_CH31,
            ),
            sdc: $crate::nrf_sdc::Peripherals::new(
                $p.PPI_CH17,
                $p.PPI_CH18,
                $p.PPI_CH20,
                $p.PPI_CH21,
                $p.PPI_CH22,
                $p.PPI_CH23,
                $p.PPI_CH24,
                $p.PPI_CH25,
                $p.PPI_CH26,
                $p.PPI_CH27,
                $p.PPI_CH28,
                $p.PPI_CH29,
            ),
            rng: $p.RNG,
            nvmc: $p.NVMC,
            wdt: $p.WDT,
            saadc: $p.SAADC,
            stamp: ($p.TIMER1, $p.GPIOTE_CH0, $p.PPI_CH0),
        }
    };
}

#[doc(hidden)]
pub use {nrf_mpsl, nrf_sdc};

type SharedFlash = Mutex<NoopRawMutex, Flash<'static>>;
type FlashPart = Partition<'static, NoopRawMutex, Flash<'static>>;

struct Nrf52840;

impl Board for Nrf52840 {
    type Adc = BoardAdc;
    type Flash = FlashPart;
    type UpdateFlash = FlashPart;
    type Clock = BoardClock;
    type Button = BoardButton;
    type Light = BoardLight;
    type System = BoardSystem;
}

/// The button's pin, for the way to *off*.
static BUTTON: AtomicU8 = AtomicU8::new(0);

static SAMPLING: InterruptExecutor = InterruptExecutor::new();

#[embassy_nrf::interrupt]
unsafe fn EGU1_SWI1() {
    // SAFETY: called from this handler alone, which is unmasked by `SAMPLING.start`.
    unsafe { SAMPLING.on_interrupt() }
}

#[embassy_executor::task]
async fn serve_mpsl(mpsl: &'static MultiprotocolServiceLayer<'static>) -> ! {
    mpsl.run().await
}

/// Why the chip was reset, and the crash that came before.
pub struct Boot {
    reset_cause: ResetCause,
    crash: Option<Crash>,
}

/// What comes first: read the record of the run before, guard the stack, start the clocks.
pub fn init() -> (embassy_nrf::Peripherals, Boot) {
    let (reset_cause, crash) = retained::take_reset();
    if let Some(mut core) = cortex_m::Peripherals::take() {
        fault::guard_stack(&mut core.MPU, &mut core.SCB);
    }
    // Code runs from flash, which is slower than the processor; the cache is off after a reset.
    pac::NVMC.icachecnf().write(|w| w.set_cacheen(true));
    (embassy_nrf::init(config()), Boot { reset_cause, crash })
}

/// Firmware update on a board with a boot loader.
pub struct Update {
    /// The running image's slot: the one that it is linked for.
    pub slot: Slot,
    /// What is accepted.
    pub policy: Policy,
}

/// Be a sensor, until the chip is reset or switched off.
pub async fn run(
    spawner: Spawner,
    boot: Boot,
    chip: Chip,
    pins: Pins,
    board: BoardIdentity,
    cell: Option<CellSense>,
    update: Option<Update>,
) -> ! {
    interrupt::TWISPI0.set_priority(Priority::P2);
    BUTTON.store(pins.button.pin() + 32 * u8::from(pins.button.port() == Port::Port1), Ordering::Relaxed);
    let mpsl = start_mpsl(&spawner, chip.mpsl);
    let (timer, gpiote, ppi) = chip.stamp;
    start_sampling(DataReadyPin::new(pins.data_ready, gpiote, timer, ppi), pins.i2c);
    let controller = start_controller(chip.sdc, Rng::new_blocking(chip.rng), mpsl);

    static FLASH: StaticCell<SharedFlash> = StaticCell::new();
    let flash: &'static SharedFlash = FLASH.init(Mutex::new(Flash::take(mpsl, chip.nvmc)));
    let whole = || Partition::new(flash, 0, FLASH_LEN);

    let watchdog = take_watchdog(chip.wdt);
    let [red, green, blue] = pins.light.map(|pin| output(pin, Level::High));
    let parts = Parts::<Nrf52840> {
        identity: identity(board, boot),
        flash: whole(),
        settings_base: STORAGE.start,
        adc: BoardAdc::new(&sampler::LINK),
        clock: BoardClock,
        button: ButtonToGround(Input::new(pins.button, Pull::Up)),
        light: ActiveLowLight { red, green, blue },
        system: BoardSystem::new(chip.saadc, cell, pins.excitation, watchdog),
        update: update.map(|update| Server::new(Slots::new(whole(), LAYOUT, update.policy), update.slot)),
    };
    static RESOURCES: StaticCell<Resources> = StaticCell::new();
    let resources = RESOURCES.init(Resources::new());
    match bandsense_app::run(controller, resources, parts).await {
        Ok(exit) => leave(exit),
        Err(Failure::Storage(_)) => panic!("storage"),
        Err(Failure::Controller(_)) => {
            // The stream has a gap and a new boot number; what happened can be read as the last crash.
            retained::note_crash(CrashKind::Controller, 0, 0);
            pac::POWER.gpregret().write(|w| w.set_gpregret(START_AT_ONCE));
            SCB::sys_reset()
        }
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.lfclk_source = LfclkSource::ExternalXtal;
    config.dcdc.reg1 = true;
    // 0, 1 and 4 belong to the radio (nrf-mpsl).
    config.gpiote_interrupt_priority = Priority::P2;
    config.time_interrupt_priority = Priority::P2;
    config
}

fn start_mpsl(
    spawner: &Spawner,
    peripherals: nrf_mpsl::Peripherals<'static>,
) -> &'static MultiprotocolServiceLayer<'static> {
    use nrf_mpsl::raw;
    // The board has a crystal of 20 ppm.
    let clock = raw::mpsl_clock_lfclk_cfg_t {
        source: raw::MPSL_CLOCK_LF_SRC_XTAL as u8,
        rc_ctiv: 0,
        rc_temp_ctiv: 0,
        accuracy_ppm: 20,
        skip_wait_lfclk_started: false,
    };
    static FLASH_SESSION: StaticCell<SessionMem<1>> = StaticCell::new();
    static MPSL: StaticCell<MultiprotocolServiceLayer<'static>> = StaticCell::new();
    let session = FLASH_SESSION.init(SessionMem::new());
    let mpsl = MultiprotocolServiceLayer::with_timeslots(peripherals, Interrupts, clock, session);
    let mpsl = MPSL.init(mpsl.expect("the configuration is valid"));
    spawner.spawn(serve_mpsl(mpsl).expect("it is spawned once"));
    mpsl
}

fn start_sampling(data_ready: DataReadyPin, i2c: (Peri<'static, AnyPin>, Peri<'static, AnyPin>)) {
    interrupt::EGU1_SWI1.set_priority(Priority::P3);
    let spawner = SAMPLING.start(interrupt::EGU1_SWI1);
    spawner.spawn(sampler::serve(data_ready, i2c).expect("it is spawned once"));
}

fn start_controller(
    peripherals: nrf_sdc::Peripherals<'static>,
    rng: Rng<'static, Blocking>,
    mpsl: &'static MultiprotocolServiceLayer<'static>,
) -> SoftdeviceController<'static> {
    static RNG: StaticCell<Rng<'static, Blocking>> = StaticCell::new();
    static MEMORY: StaticCell<nrf_sdc::Mem<CONTROLLER_MEMORY>> = StaticCell::new();
    let build = || {
        nrf_sdc::Builder::new()?
            .support_adv()
            .support_peripheral()
            .support_dle_peripheral()
            .support_phy_update_peripheral()
            .support_le_2m_phy()
            .support_le_privacy()
            .peripheral_count(1)?
            .buffer_cfg(PACKET_LEN, PACKET_LEN, PACKETS, PACKETS)?
            .build(peripherals, RNG.init(rng), mpsl, MEMORY.init(nrf_sdc::Mem::new()))
    };
    build().expect("the configuration is valid and the memory suffices")
}

/// The boot loader has started the watchdog. Without one (started by a debugger) it is started here.
fn take_watchdog(peripheral: Peri<'static, peripherals::WDT>) -> wdt::WatchdogHandle {
    let mut config = wdt::Config::default();
    config.timeout_ticks = WATCHDOG_SECONDS * LFCLK_HZ - 1;
    config.action_during_debug_halt = wdt::HaltConfig::Pause;
    match wdt::Watchdog::try_new(peripheral, config) {
        Ok((_, [handle])) => handle,
        Err(_) => panic!("the watchdog runs with another configuration"),
    }
}

fn identity(board: BoardIdentity, boot: Boot) -> Identity {
    let serial = u64::from(pac::FICR.deviceid(1).read()) << 32 | u64::from(pac::FICR.deviceid(0).read());
    // The address ends as the serial number does: scanners then show by what people tell sensors apart.
    let [a, b, ..] = serial.to_le_bytes();
    let [_, _, c, d] = pac::FICR.deviceaddr(0).read().to_le_bytes();
    let [e, f, ..] = pac::FICR.deviceaddr(1).read().to_le_bytes();
    let mut irk = [0; 16];
    for (word, bytes) in irk.chunks_exact_mut(4).enumerate() {
        bytes.copy_from_slice(&pac::FICR.ir(word).read().to_le_bytes());
    }
    Identity {
        serial,
        // The two highest bits make it a static random address.
        address: [a, b, c, d, e, f | 0xc0],
        model: board.model,
        hardware_revision: board.hardware_revision,
        firmware_revision: board.firmware_revision,
        full_scale_mn: nau7802::FULL_SCALE_MN,
        passkey: None,
        irk: Some(irk),
        reset_cause: boot.reset_cause,
        crash: boot.crash,
    }
}

/// Do as the application says when it is done.
fn leave(exit: Exit) -> ! {
    let (why, to_loader) = match exit {
        Exit::PowerOff => {
            pac::POWER.gpregret().write(|w| w.set_gpregret(START_AT_ONCE));
            parts::prepare_for_off(BUTTON.load(Ordering::Relaxed));
            pac::POWER.systemoff().write(|w| w.set_systemoff(true));
            // A debugger keeps the chip from going off.
            loop {
                cortex_m::asm::wfe();
            }
        }
        Exit::Restart(Restart::ToUsb) => (Restart::ToUsb, TO_UF2),
        Exit::Restart(why) => (why, START_AT_ONCE),
    };
    retained::note_restart(why == Restart::Update);
    pac::POWER.gpregret().write(|w| w.set_gpregret(to_loader));
    SCB::sys_reset()
}
