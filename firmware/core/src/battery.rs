//! From the cell's voltage to what is left in it, and whether there is a cell at all.

use heapless::Vec;

use crate::bytes::Writer;
use crate::hal::Supply;
use crate::statistics::{PAGE_MAX, Page};

/// At or below this the battery is low.
pub const LOW_PERCENT: u8 = 10;
/// At or below this the sensor refuses to stream and switches itself off.
pub const EMPTY_MV: u16 = 3300;

/// Below this no protected cell stands: the sensor is fed from elsewhere.
const NO_CELL_MV: u16 = 2000;

impl Supply {
    /// Whether a cell is connected.
    #[must_use]
    pub const fn has_cell(self) -> bool {
        self.cell_mv >= NO_CELL_MV
    }

    /// Charge that is left, in percent; `None` without a cell.
    #[must_use]
    pub fn percent(self) -> Option<u8> {
        self.has_cell().then(|| percent(self.cell_mv))
    }

    /// The cell is low, and nothing charges it.
    #[must_use]
    pub fn is_low(self) -> bool {
        !self.external && self.percent().is_some_and(|percent| percent <= LOW_PERCENT)
    }

    /// The cell is empty, and nothing else feeds the sensor.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        !self.external && self.has_cell() && self.cell_mv < EMPTY_MV
    }
}

/// Page 3 with its number. `temperature_centi_c` is the newest that was measured.
#[must_use]
pub fn supply_page(supply: Supply, temperature_centi_c: Option<i16>) -> Vec<u8, PAGE_MAX> {
    let bits = u8::from(supply.external) | u8::from(supply.charging) << 1 | u8::from(supply.has_cell()) << 2;
    Writer::new()
        .u8(Page::Supply as u8)
        .u8(bits)
        .u16(supply.cell_mv)
        .u16(temperature_centi_c.unwrap_or(i16::MIN).cast_unsigned())
        .finish()
}

/// Rest voltage of a lithium-polymer cell at 0, 10, 20 … 100 %, mV. Typical of the chemistry and good to about
/// ten percent points; no single cell was measured.
const VOLTAGE_MV: [u16; 11] = [3300, 3680, 3720, 3750, 3770, 3790, 3830, 3890, 3960, 4050, 4180];

/// Charge that is left, in percent.
#[must_use]
pub fn percent(battery_mv: u16) -> u8 {
    let steps = VOLTAGE_MV.iter().zip(VOLTAGE_MV.iter().skip(1)).zip((0u8..).step_by(10));
    for ((&low_mv, &high_mv), percent) in steps {
        if battery_mv < high_mv {
            let above_mv = u32::from(battery_mv.saturating_sub(low_mv));
            // The table rises; a division that could be by zero would be a way to panic.
            let tenth = (above_mv * 10).checked_div(u32::from(high_mv - low_mv)).unwrap_or(0);
            return percent + tenth as u8;
        }
    }
    100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_from_outside_is_never_low_and_no_cell_is_not_an_empty_one() {
        let supply = |cell_mv, external| Supply { cell_mv, external, charging: false };
        assert!(supply(3200, false).is_empty() && supply(3200, false).is_low());
        assert!(!supply(3200, true).is_empty() && !supply(3200, true).is_low());
        assert_eq!(supply(3200, true).percent(), Some(0));
        for external in [false, true] {
            let bench_supply = supply(15, external);
            assert!(!bench_supply.has_cell() && !bench_supply.is_empty() && !bench_supply.is_low());
            assert_eq!(bench_supply.percent(), None);
        }
    }

    #[test]
    fn percent_follows_the_table_and_never_falls_with_voltage() {
        for (mv, expected) in [(0, 0), (3300, 0), (3680, 10), (3790, 50), (4180, 100), (4500, 100)] {
            assert_eq!(percent(mv), expected, "{mv} mV");
        }
        for mv in 0..5000 {
            assert!(percent(mv) <= percent(mv + 1));
        }
    }
}
