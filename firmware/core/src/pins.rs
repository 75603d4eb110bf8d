//! What is done with a few pins, whatever the chip.

use embedded_hal::digital::{OutputPin, PinState};
use embedded_hal_async::digital::Wait;

use crate::hal::{Button, Colour, Light};

/// A button to ground, its pin pulled up.
#[derive(Debug)]
pub struct ButtonToGround<P>(pub P);

impl<P: Wait> Button for ButtonToGround<P> {
    async fn pressed(&mut self) {
        // An input that cannot be waited for is never pressed; those of chips can.
        if self.0.wait_for_low().await.is_err() {
            core::future::pending().await
        }
    }

    async fn released(&mut self) {
        let _ = self.0.wait_for_high().await;
    }
}

/// A light of three colours, each on when its pin is low.
#[derive(Debug)]
pub struct ActiveLowLight<P> {
    /// Red.
    pub red: P,
    /// Green.
    pub green: P,
    /// Blue.
    pub blue: P,
}

impl<P: OutputPin> Light for ActiveLowLight<P> {
    fn show(&mut self, colour: Colour) {
        for (pin, on) in
            [(&mut self.red, colour.red), (&mut self.green, colour.green), (&mut self.blue, colour.blue)]
        {
            // A light that cannot be switched is no reason for anything.
            let _ = pin.set_state(PinState::from(!on));
        }
    }
}

/// Tell a serial flash chip to go into deep power-down: command 0xB9, highest bit first, taken at the clock's rising edge.
///
/// # Errors
/// Those of the pins.
pub fn deep_power_down<P: OutputPin>(
    select: &mut P,
    mut clock: P,
    mut data: P,
    half_period: impl Fn(),
) -> Result<(), P::Error> {
    const DEEP_POWER_DOWN: u8 = 0xb9;
    select.set_low()?;
    for bit in (0..8).rev() {
        data.set_state(PinState::from(DEEP_POWER_DOWN >> bit & 1 == 1))?;
        clock.set_high()?;
        half_period();
        clock.set_low()?;
        half_period();
    }
    select.set_high()
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use embedded_hal::digital::ErrorType;
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::vec::Vec;

    /// Levels of all pins, after each change of one.
    type Wires = Rc<RefCell<Vec<[bool; 3]>>>;

    struct Pin(usize, Wires);

    impl ErrorType for Pin {
        type Error = Infallible;
    }

    impl OutputPin for Pin {
        fn set_low(&mut self) -> Result<(), Infallible> {
            self.set_state(PinState::Low)
        }

        fn set_high(&mut self) -> Result<(), Infallible> {
            self.set_state(PinState::High)
        }

        fn set_state(&mut self, state: PinState) -> Result<(), Infallible> {
            let mut wires = self.1.borrow_mut();
            let mut levels = wires.last().copied().unwrap_or([true, false, false]);
            levels[self.0] = state == PinState::High;
            wires.push(levels);
            Ok(())
        }
    }

    fn pins() -> (Wires, [Pin; 3]) {
        let wires = Wires::default();
        let pins = [0, 1, 2].map(|i| Pin(i, wires.clone()));
        (wires, pins)
    }

    /// A pin that nobody can wait for, or one that is always as it should be.
    struct Input(bool);

    #[derive(Debug)]
    struct Broken;

    impl embedded_hal::digital::Error for Broken {
        fn kind(&self) -> embedded_hal::digital::ErrorKind {
            embedded_hal::digital::ErrorKind::Other
        }
    }

    impl ErrorType for Input {
        type Error = Broken;
    }

    impl Wait for Input {
        async fn wait_for_high(&mut self) -> Result<(), Broken> {
            if self.0 { Ok(()) } else { Err(Broken) }
        }

        async fn wait_for_low(&mut self) -> Result<(), Broken> {
            self.wait_for_high().await
        }

        async fn wait_for_rising_edge(&mut self) -> Result<(), Broken> {
            self.wait_for_high().await
        }

        async fn wait_for_falling_edge(&mut self) -> Result<(), Broken> {
            self.wait_for_high().await
        }

        async fn wait_for_any_edge(&mut self) -> Result<(), Broken> {
            self.wait_for_high().await
        }
    }

    #[test]
    fn a_broken_button_is_not_pressed() {
        let mut context = core::task::Context::from_waker(core::task::Waker::noop());
        let (mut works, mut broken) = (ButtonToGround(Input(true)), ButtonToGround(Input(false)));
        assert!(core::pin::pin!(works.pressed()).poll(&mut context).is_ready());
        assert!(core::pin::pin!(works.released()).poll(&mut context).is_ready());
        assert!(core::pin::pin!(broken.pressed()).poll(&mut context).is_pending());
    }

    #[test]
    fn a_colour_is_low() {
        let (wires, [red, green, blue]) = pins();
        let mut light = ActiveLowLight { red, green, blue };
        light.show(Colour { red: true, green: false, blue: true });
        assert_eq!(wires.borrow().last(), Some(&[false, true, false]));
    }

    #[test]
    fn the_flash_chip_hears_its_command() {
        let (wires, [mut select, clock, data]) = pins();
        deep_power_down(&mut select, clock, data, || {}).unwrap();
        let wires = wires.borrow();
        let heard = wires.windows(2).filter(|pair| !pair[0][1] && pair[1][1] && !pair[1][0]);
        let bits: Vec<_> = heard.map(|pair| u8::from(pair[1][2])).collect();
        assert_eq!(bits.iter().fold(0, |byte, bit| byte << 1 | bit), 0xb9);
        assert_eq!((bits.len(), wires.last().unwrap()[0]), (8, true));
    }
}
