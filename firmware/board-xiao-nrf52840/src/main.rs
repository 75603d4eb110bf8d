//! The sensor on a Seeed XIAO nRF52840 with a NAU7802.
//!
//! | XIAO | chip | |
//! |---|---|---|
//! | D0 | P0.02 | data ready of the converter |
//! | D1 | P0.03 | button to ground |
//! | D3 | P0.29 | excitation of the bridge (E+) |
//! | D4, D5 | P0.04, P0.05 | I²C data and clock |
#![no_std]
#![no_main]

mod bus;
mod fault;
mod parts;
mod retained;
mod sampler;

use bandsense_app::{Board, Exit, Failure, Parts, Resources, Restart};
use bandsense_core::hal::Identity;
use bandsense_core::nau7802;
use bandsense_core::statistics::{Crash, ResetCause};
use bandsense_update::layout::Slot;
use bandsense_update::layout::xiao_nrf52840::{BOARD, LAYOUT, STORAGE, WATCHDOG_SECONDS};
use bandsense_update::slots::{Policy, Slots};
use bandsense_update::smp::Server;
use cortex_m::peripheral::SCB;
use embassy_embedded_hal::flash::partition::Partition;
use embassy_executor::{InterruptExecutor, Spawner};
use embassy_futures::select::{Either, select};
use embassy_nrf::config::{Config, LfclkSource};
use embassy_nrf::gpio::{Input, Level, Pull};
use embassy_nrf::interrupt::{self, InterruptExt, Priority};
use embassy_nrf::mode::Blocking;
use embassy_nrf::rng::Rng;
use embassy_nrf::{bind_interrupts, pac, peripherals, saadc, twim, wdt};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_time::{Duration, Timer};
use nrf_mpsl::{Flash, MultiprotocolServiceLayer, SessionMem};
use nrf_sdc::SoftdeviceController;
use static_cell::StaticCell;

use crate::parts::{BoardButton, BoardClock, BoardLight, BoardSystem, output};
use crate::sampler::{DataReadyPin, RemoteAdc};

bind_interrupts!(struct Interrupts {
    EGU0_SWI0 => nrf_mpsl::LowPrioInterruptHandler;
    CLOCK_POWER => nrf_mpsl::ClockInterruptHandler;
    RADIO => nrf_mpsl::HighPrioInterruptHandler;
    TIMER0 => nrf_mpsl::HighPrioInterruptHandler;
    RTC0 => nrf_mpsl::HighPrioInterruptHandler;
    TWISPI0 => twim::InterruptHandler<peripherals::TWISPI0>;
    SAADC => saadc::InterruptHandler;
});

/// This image's slot: the one it is linked for.
const SLOT: Slot = if matches!(env!("BANDSENSE_SLOT").as_bytes(), b"0") { Slot::A } else { Slot::B };
const POLICY: Policy = Policy { board: BOARD, key: *include_bytes!(env!("BANDSENSE_PUBLIC_KEY")) };
const FLASH_LEN: u32 = 0x10_0000;
const LFCLK_HZ: u32 = 32_768;
/// An image that nobody has connected to for so long gives way to the one before.
const TRIAL: Duration = Duration::from_secs(600);
/// Skips the half second in which the UF2 boot loader waits for a second press of reset (`DFU_MAGIC_SKIP`).
const START_AT_ONCE: u8 = 0x6d;
/// Asks the UF2 boot loader for its drive (`DFU_MAGIC_UF2_RESET`).
const TO_UF2: u8 = 0x57;

/// A count of 2²³ is half the reference over the gain (NAU7802 data sheet); the default cell gives 2 mV/V, and its
/// supply is the reference, at 50 kg.
const FULL_SCALE_MN: u32 = {
    const CELL_MN: u64 = 490_333;
    const CELL_UV_PER_V: u64 = 2000;
    const FULL_SCALE_UV_PER_V: u64 = 1_000_000 / 2 / nau7802::GAIN as u64;
    (CELL_MN * FULL_SCALE_UV_PER_V / CELL_UV_PER_V) as u32
};

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

type SharedFlash = Mutex<NoopRawMutex, Flash<'static>>;
type FlashPart = Partition<'static, NoopRawMutex, Flash<'static>>;

struct Xiao;

impl Board for Xiao {
    type Adc = RemoteAdc;
    type Flash = FlashPart;
    type UpdateFlash = FlashPart;
    type Clock = BoardClock;
    type Button = BoardButton;
    type Light = BoardLight;
    type System = BoardSystem;
}

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

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let (reset_cause, crash) = retained::take_reset();
    if let Some(mut core) = cortex_m::Peripherals::take() {
        fault::guard_stack(&mut core.MPU, &mut core.SCB);
    }
    let p = embassy_nrf::init(config());
    interrupt::TWISPI0.set_priority(Priority::P2);
    parts::flash_chip_to_deep_power_down(
        output(p.P0_25, Level::High),
        output(p.P0_21, Level::Low),
        output(p.P0_20, Level::Low),
        [output(p.P0_22, Level::High), output(p.P0_23, Level::High)],
    );

    let mpsl = start_mpsl(
        &spawner,
        nrf_mpsl::Peripherals::new(p.RTC0, p.TIMER0, p.TEMP, p.PPI_CH19, p.PPI_CH30, p.PPI_CH31),
    );
    start_sampling(DataReadyPin(Input::new(p.P0_02, Pull::Down)));

    let controller = start_controller(
        nrf_sdc::Peripherals::new(
            p.PPI_CH17, p.PPI_CH18, p.PPI_CH20, p.PPI_CH21, p.PPI_CH22, p.PPI_CH23, p.PPI_CH24, p.PPI_CH25,
            p.PPI_CH26, p.PPI_CH27, p.PPI_CH28, p.PPI_CH29,
        ),
        Rng::new_blocking(p.RNG),
        mpsl,
    );

    static FLASH: StaticCell<SharedFlash> = StaticCell::new();
    let flash: &'static SharedFlash = FLASH.init(Mutex::new(Flash::take(mpsl, p.NVMC)));
    let whole = || Partition::new(flash, 0, FLASH_LEN);

    let watchdog = take_watchdog(p.WDT);
    let parts = Parts::<Xiao> {
        identity: identity(reset_cause, crash),
        flash: whole(),
        settings_base: STORAGE.start,
        adc: RemoteAdc::new(),
        clock: BoardClock,
        button: BoardButton(Input::new(p.P0_03, Pull::Up)),
        light: BoardLight {
            red: output(p.P0_26, Level::High),
            green: output(p.P0_30, Level::High),
            blue: output(p.P0_06, Level::High),
        },
        system: BoardSystem::new(p.SAADC, p.P0_31, p.P0_29, output(p.P0_14, Level::Low), watchdog),
        update: Some(Server::new(Slots::new(whole(), LAYOUT, POLICY), SLOT)),
    };
    static RESOURCES: StaticCell<Resources> = StaticCell::new();
    let resources = RESOURCES.init(Resources::new());
    let trial = end_of_trial(Slots::new(whole(), LAYOUT, POLICY));
    match select(bandsense_app::run(controller, resources, parts), trial).await {
        Either::First(Ok(exit)) => leave(exit),
        Either::First(Err(Failure::Storage(_))) => panic!("storage"),
        Either::First(Err(Failure::Controller(_))) => panic!("controller"),
        Either::Second(()) => leave(Exit::Restart(Restart::Update)),
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

fn start_sampling(data_ready: DataReadyPin) {
    interrupt::TWISPI0.set_priority(Priority::P2);
    interrupt::EGU1_SWI1.set_priority(Priority::P3);
    let spawner = SAMPLING.start(interrupt::EGU1_SWI1);
    spawner.spawn(sampler::serve(data_ready).expect("it is spawned once"));
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
            .peripheral_count(1)?
            .buffer_cfg(PACKET_LEN, PACKET_LEN, PACKETS, PACKETS)?
            .build(peripherals, RNG.init(rng), mpsl, MEMORY.init(nrf_sdc::Mem::new()))
    };
    build().expect("the configuration is valid and the memory suffices")
}

/// The boot loader has started the watchdog. Without one (started by a debugger) it is started here.
fn take_watchdog(peripheral: embassy_nrf::Peri<'static, peripherals::WDT>) -> wdt::WatchdogHandle {
    let mut config = wdt::Config::default();
    config.timeout_ticks = WATCHDOG_SECONDS * LFCLK_HZ - 1;
    config.action_during_debug_halt = wdt::HaltConfig::Pause;
    match wdt::Watchdog::try_new(peripheral, config) {
        Ok((_, [handle])) => handle,
        Err(_) => panic!("the watchdog runs with another configuration"),
    }
}

fn identity(reset_cause: ResetCause, crash: Option<Crash>) -> Identity {
    let serial = u64::from(pac::FICR.deviceid(1).read()) << 32 | u64::from(pac::FICR.deviceid(0).read());
    let [a, b, c, d, ..] = pac::FICR.deviceaddr(0).read().to_le_bytes();
    let [e, f, ..] = pac::FICR.deviceaddr(1).read().to_le_bytes();
    Identity {
        serial,
        // The two highest bits make it a static random address.
        address: [a, b, c, d, e, f | 0xc0],
        model: BOARD,
        hardware_revision: "1",
        firmware_revision: env!("CARGO_PKG_VERSION"),
        full_scale_mn: FULL_SCALE_MN,
        passkey: None,
        reset_cause,
        crash,
    }
}

/// Comes to an end when this image is still on trial after ten minutes.
async fn end_of_trial(mut slots: Slots<FlashPart>) {
    Timer::after(TRIAL).await;
    if !matches!(slots.is_confirmed(SLOT).await, Ok(false)) {
        core::future::pending().await
    }
}

/// Do as the application says when it is done.
fn leave(exit: Exit) -> ! {
    let (why, to_loader) = match exit {
        Exit::PowerOff => {
            pac::POWER.gpregret().write(|w| w.set_gpregret(START_AT_ONCE));
            parts::prepare_for_off();
            pac::POWER.systemoff().write(|w| w.set_systemoff(true));
            // A debugger keeps the chip from going off.
            loop {
                cortex_m::asm::wfe();
            }
        }
        Exit::Restart(Restart::ToUsb) => (Restart::ToUsb, TO_UF2),
        Exit::Restart(why) => (why, START_AT_ONCE),
    };
    retained::note_restart(why);
    pac::POWER.gpregret().write(|w| w.set_gpregret(to_loader));
    SCB::sys_reset()
}
