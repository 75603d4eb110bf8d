//! The sensor's application as a Linux program, on an HCI controller over TCP.
//!
//! What is simulated is the hardware alone: the converter plays a trace or a synthetic pull, flash is a file, and
//! button, cell and faults follow commands on standard input. Standard output tells what a person at the sensor would
//! see, one line each. The exit status is 0 for *switched off*, 10 for *restart me* (after a failure of the controller too;
//! 11 for the USB boot loader, 12 for the watchdog), 3 when no image boots, and 1 for another failure.

mod adc;
mod arguments;
mod bench;
mod flash;
mod h4;
mod hardware;
mod run;

use std::process::ExitCode;

use bandsense_app::{Board, Exit, Failure, Parts, Resources, Restart};
use bandsense_core::hal::Identity;
use bandsense_core::power::Timings;
use bandsense_core::statistics::ResetCause;
use bandsense_update::layout::xiao_nrf52840::{LAYOUT, STORAGE};
use bandsense_update::slots::{Floor, Policy, Slots};
use bandsense_update::smp::Server;
use embassy_time::Duration;
use trouble_host::prelude::ExternalController;

use crate::adc::SimulatedAdc;
use crate::arguments::Arguments;
use crate::bench::Bench;
use crate::flash::FileFlash;
use crate::h4::H4Tcp;
use crate::hardware::{HostClock, SimulatedButton, SimulatedLight, SimulatedSystem};

const NOTHING_BOOTS: u8 = 3;
const RESTART: u8 = 10;
const RESTART_TO_USB: u8 = 11;
/// Commands that the application may have under way at a time.
const COMMAND_SLOTS: usize = 4;
const MODEL: &str = "host";

/// How long power states and graces last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As in use.
    InUse,
    /// Strangers are sent away after 1.5 s.
    Impatient,
    /// Power states last seconds instead of minutes and days.
    Hurried,
}

/// The simulated board, at a [`Pace`].
struct HostBoard<const PACE: u8>;

impl<const PACE: u8> Board for HostBoard<PACE> {
    type Adc = SimulatedAdc;
    type Flash = FileFlash;
    type UpdateFlash = FileFlash;
    type Clock = HostClock;
    type Button = SimulatedButton;
    type Light = SimulatedLight;
    type System = SimulatedSystem;
    const TRIAL: Duration = Duration::from_secs(if PACE == Pace::Hurried as u8 { 4 } else { 600 });
    const TIMINGS: Timings = if PACE == Pace::Hurried as u8 {
        Timings {
            fast_us: 1_000_000,
            unconnected_us: 2_000_000,
            standby_us: 6_000_000,
            peek_us: 200_000,
            cell_us: 500_000,
            ..Timings::IN_USE
        }
    } else if PACE == Pace::Impatient as u8 {
        Timings { grace_us: 1_500_000, cell_us: 500_000, ..Timings::IN_USE }
    } else {
        Timings::IN_USE
    };
}

fn main() -> ExitCode {
    env_logger::init();
    match Arguments::parse(std::env::args().skip(1)).and_then(|arguments| match arguments.pace {
        Pace::InUse => run_sensor::<{ Pace::InUse as u8 }>(&arguments),
        Pace::Impatient => run_sensor::<{ Pace::Impatient as u8 }>(&arguments),
        Pace::Hurried => run_sensor::<{ Pace::Hurried as u8 }>(&arguments),
    }) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("bandsense-host: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run_sensor<const PACE: u8>(arguments: &Arguments) -> Result<ExitCode, String> {
    let clock = HostClock;
    let flash = FileFlash::open(&arguments.flash, arguments.cut_at)
        .map_err(|error| format!("cannot open the flash {}: {error}", arguments.flash.display()))?;
    let Some((update, firmware_revision)) = boot(arguments, &flash) else {
        println!("no image boots");
        return Ok(ExitCode::from(NOTHING_BOOTS));
    };
    let transport = H4Tcp::connect(&arguments.hci)
        .map_err(|error| format!("no controller listens at {}: {error}", arguments.hci))?;
    let controller: ExternalController<H4Tcp, COMMAND_SLOTS> = ExternalController::new(transport);
    let bench = Bench::listen(arguments.battery_mv);
    let parts = Parts::<HostBoard<PACE>> {
        identity: Identity {
            serial: arguments.serial,
            address: arguments.address(),
            model: MODEL,
            hardware_revision: "simulated",
            firmware_revision,
            full_scale_mn: arguments.full_scale_mn,
            passkey: arguments.passkey,
            irk: Some(arguments.irk()),
            reset_cause: arguments.reset_cause,
            crash: arguments.crash,
        },
        flash: flash.clone(),
        settings_base: STORAGE.start,
        adc: SimulatedAdc::new(arguments, clock, &bench)?,
        clock,
        button: SimulatedButton::new(&bench),
        light: SimulatedLight::new(arguments.show_light),
        system: SimulatedSystem::new(&bench),
        update,
    };
    let mut resources = Resources::new();
    println!("running {firmware_revision}");
    let ended = run::block_on(bandsense_app::run(controller, &mut resources, parts));
    println!("flash steps {}", flash.steps());
    match ended {
        Ok(Exit::PowerOff) => {
            println!("off");
            Ok(ExitCode::SUCCESS)
        }
        Ok(Exit::Restart(Restart::ToUsb)) => Ok(ExitCode::from(RESTART_TO_USB)),
        Ok(Exit::Restart(why)) => {
            println!("restart: {why:?}");
            Ok(ExitCode::from(RESTART))
        }
        Err(Failure::Controller(error)) => {
            // As the board does: reset, and be found again.
            println!("restart: the controller failed, {error:?}");
            Ok(ExitCode::from(RESTART))
        }
        Err(failure) => Err(format!("{failure:?}")),
    }
}

type Booted = (Option<Server<FileFlash>>, &'static str);

/// What the boot loader does: choose a valid image. Without a key there is no boot loader.
fn boot(arguments: &Arguments, flash: &FileFlash) -> Option<Booted> {
    let Some(key) = arguments.key else {
        return Some((None, env!("CARGO_PKG_VERSION")));
    };
    let policy = Policy { board: arguments.board, key };
    let mut slots = Slots::new(flash.clone(), LAYOUT, policy);
    embassy_futures::block_on(async {
        let slot = slots.select(Floor::Kept).await.slot?;
        let version = slots.status(slot).await.ok()?.image.header.version;
        // Lives as long as the process, as it does in a chip's flash.
        let revision: &'static str = Box::leak(version.to_string().into_boxed_str());
        println!("booting slot {slot:?}");
        Some((Some(Server::new(slots, slot)), revision))
    })
}

/// The reset causes of the profile, by the names that the command line takes.
fn reset_cause(name: &str) -> Option<ResetCause> {
    Some(match name {
        "power-on" => ResetCause::PowerOn,
        "reset-pin" => ResetCause::ResetPin,
        "software" => ResetCause::Software,
        "watchdog" => ResetCause::Watchdog,
        "lock-up" => ResetCause::LockUp,
        "wake" => ResetCause::WakeFromOff,
        "update" => ResetCause::FirmwareUpdate,
        _ => return None,
    })
}
