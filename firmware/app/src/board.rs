//! What a board brings.

use bandsense_core::hal::{Adc, Button, Clock, Identity, Light, System};
use bandsense_core::power::Timings;
use bandsense_update::smp::Server;
use bt_hci::cmd::le::{LeLongTermKeyRequestNegativeReply, LeReadLocalSupportedFeatures};
use bt_hci::controller::ControllerCmdSync;
use embassy_time::Duration;
use embedded_storage_async::nor_flash::NorFlash;
use trouble_host::prelude::Controller;

/// A Bluetooth controller with the commands that the application and its host use.
pub trait Radio:
    Controller
    + ControllerCmdSync<LeReadLocalSupportedFeatures>
    + ControllerCmdSync<LeLongTermKeyRequestNegativeReply>
{
}

impl<C> Radio for C where
    C: Controller
        + ControllerCmdSync<LeReadLocalSupportedFeatures>
        + ControllerCmdSync<LeLongTermKeyRequestNegativeReply>
{
}

/// The types of a board's parts.
pub trait Board {
    /// The bridge converter.
    type Adc: Adc;
    /// Flash for the settings.
    type Flash: NorFlash;
    /// Flash for updates.
    type UpdateFlash: NorFlash;
    /// Time.
    type Clock: Clock;
    /// The button.
    type Button: Button;
    /// The light.
    type Light: Light;
    /// Cell, watchdog and what else the chip measures.
    type System: System;
    /// How long the power states last.
    const TIMINGS: Timings = Timings::IN_USE;
    /// A new image that nobody has connected to for so long gives way to the one before.
    const TRIAL: Duration = Duration::from_secs(600);
}

/// A board's parts.
pub struct Parts<B: Board> {
    /// What the board knows about itself.
    pub identity: Identity,
    /// Flash for the settings.
    pub flash: B::Flash,
    /// Where in it the settings' two pages begin.
    pub settings_base: u32,
    /// The bridge converter.
    pub adc: B::Adc,
    /// Time.
    pub clock: B::Clock,
    /// The button.
    pub button: B::Button,
    /// The light.
    pub light: B::Light,
    /// Cell, watchdog and what else the chip measures.
    pub system: B::System,
    /// Firmware update, where the board has a boot loader.
    pub update: Option<Server<B::UpdateFlash>>,
}

/// What the board is to do when the sensor is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Switch everything off but what the button needs to wake the chip.
    PowerOff,
    /// Reset the chip.
    Restart(Restart),
}

/// Why the chip is to be reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Everything is forgotten that an owner can set.
    FactoryReset,
    /// A client of the update service asked for it.
    Update,
    /// To the boot loader that takes files over USB.
    ToUsb,
    /// No reason.
    Plain,
}
