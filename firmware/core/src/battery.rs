//! From the cell's voltage to what is left in it.

/// At or below this the battery is low.
pub const LOW_PERCENT: u8 = 10;
/// At or below this the sensor refuses to stream and switches itself off.
pub const EMPTY_MV: u16 = 3300;

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
    fn percent_follows_the_table_and_never_falls_with_voltage() {
        for (mv, expected) in [(0, 0), (3300, 0), (3680, 10), (3790, 50), (4180, 100), (4500, 100)] {
            assert_eq!(percent(mv), expected, "{mv} mV");
        }
        for mv in 0..5000 {
            assert!(percent(mv) <= percent(mv + 1));
        }
    }
}
