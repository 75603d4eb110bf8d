//! The command line.

use std::path::PathBuf;

use crate::Pace;

use bandsense_core::nau7802;
use bandsense_core::statistics::{Crash, CrashKind, ResetCause};

const USAGE: &str = "usage: bandsense-host --hci HOST:PORT --flash FILE
  [--trace FILE]         play these counts (CSV: time_s,counts) instead of a synthetic pull
  [--log FILE]           write every conversion as CSV: time_us,counts,missed
  [--rate-error PERCENT] oscillator error of the converter, -5 … 5
  [--serial HEX]         serial number
  [--passkey DIGITS]     ask for this passkey when pairing
  [--settling MS]        so long after a start readings are told to be settling (600)
  [--full-scale N]       nominal tension at a count of 2^23 (that of the board)
  [--battery MV]         voltage of the cell
  [--reset-cause NAME]   power-on, reset-pin, software, watchdog, lock-up, wake, update
  [--crash PC]           the run before ended in a panic at this address (hex)
  [--key HEX --board NAME] boot a signed image for this board from the flash, and offer updates
  [--cut-at STEP]        lose power at this step (word written or page erased) of the flash
  [--impatient]          a central that does not encrypt is sent away after 1.5 s, not 20
  [--hurried]            power states last seconds instead of minutes and days
  [--show-light]         print every colour of the light";

/// What the command line says.
#[derive(Debug)]
pub struct Arguments {
    pub hci: String,
    pub flash: PathBuf,
    pub trace: Option<PathBuf>,
    pub log: Option<PathBuf>,
    pub rate_error: f64,
    pub serial: u64,
    pub passkey: Option<u32>,
    pub full_scale_mn: u32,
    pub settling_ms: u32,
    pub battery_mv: u16,
    pub reset_cause: ResetCause,
    pub crash: Option<Crash>,
    pub key: Option<[u8; 32]>,
    pub board: &'static str,
    pub cut_at: Option<u64>,
    pub pace: Pace,
    pub show_light: bool,
}

impl Arguments {
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut words = words;
        let mut hci = None;
        let mut flash = None;
        let mut arguments = Self {
            hci: String::new(),
            flash: PathBuf::new(),
            trace: None,
            log: None,
            rate_error: 0.0,
            serial: 0x0123_4567_89AB_CDEF,
            passkey: None,
            full_scale_mn: nau7802::FULL_SCALE_MN,
            settling_ms: 600,
            battery_mv: 3950,
            reset_cause: ResetCause::PowerOn,
            crash: None,
            key: None,
            board: "host",
            cut_at: None,
            pace: Pace::InUse,
            show_light: false,
        };
        while let Some(option) = words.next() {
            match option.as_str() {
                "--show-light" => {
                    arguments.show_light = true;
                    continue;
                }
                "--impatient" => {
                    arguments.pace = Pace::Impatient;
                    continue;
                }
                "--hurried" => {
                    arguments.pace = Pace::Hurried;
                    continue;
                }
                _ => {}
            }
            let value = words.next().ok_or_else(|| format!("{option} needs a value\n{USAGE}"))?;
            let refuse = || format!("{option} cannot be {value}\n{USAGE}");
            match option.as_str() {
                "--hci" => hci = Some(value),
                "--flash" => flash = Some(value.into()),
                "--trace" => arguments.trace = Some(value.into()),
                "--log" => arguments.log = Some(value.into()),
                "--rate-error" => {
                    let error: f64 = value.parse().map_err(|_| refuse())?;
                    arguments.rate_error = Some(error).filter(|e| e.abs() <= 5.0).ok_or_else(refuse)? / 100.0;
                }
                "--serial" => arguments.serial = u64::from_str_radix(&value, 16).map_err(|_| refuse())?,
                "--passkey" => {
                    let passkey = value.parse().ok().filter(|passkey| *passkey < 1_000_000);
                    arguments.passkey = Some(passkey.ok_or_else(refuse)?);
                }
                "--full-scale" => {
                    let newton: f64 = value.parse().map_err(|_| refuse())?;
                    arguments.full_scale_mn = (newton * 1000.0) as u32;
                }
                "--settling" => arguments.settling_ms = value.parse().map_err(|_| refuse())?,
                "--battery" => arguments.battery_mv = value.parse().map_err(|_| refuse())?,
                "--reset-cause" => arguments.reset_cause = crate::reset_cause(&value).ok_or_else(refuse)?,
                "--crash" => {
                    let program_counter = u32::from_str_radix(&value, 16).map_err(|_| refuse())?;
                    let kind = CrashKind::Panic as u8;
                    arguments.crash = Some(Crash { kind, program_counter, ..Crash::default() });
                }
                "--key" => arguments.key = Some(key(&value).ok_or_else(refuse)?),
                "--board" => arguments.board = Box::leak(value.into_boxed_str()),
                "--cut-at" => arguments.cut_at = Some(value.parse().map_err(|_| refuse())?),
                _ => return Err(format!("{option} is not an option\n{USAGE}")),
            }
        }
        arguments.hci = hci.ok_or(USAGE)?;
        arguments.flash = flash.ok_or(USAGE)?;
        Ok(arguments)
    }

    /// A key that is the serial number's and nobody else's, which is secret enough for a simulation.
    pub fn irk(&self) -> [u8; 16] {
        let serial = self.serial.to_le_bytes();
        core::array::from_fn(|i| serial[i % serial.len()] ^ (i as u8).wrapping_mul(0x3B))
    }

    /// A static random address of the serial number: its two highest bits are set (vol 6, part B, 1.3.2.1).
    pub fn address(&self) -> [u8; 6] {
        let [a, b, c, d, e, f, ..] = self.serial.to_le_bytes();
        [a, b, c, d, e, f | 0xC0]
    }
}

fn key(hex: &str) -> Option<[u8; 32]> {
    let bytes: Option<Vec<u8>> =
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(hex.get(i..i + 2)?, 16).ok()).collect();
    bytes?.try_into().ok()
}
