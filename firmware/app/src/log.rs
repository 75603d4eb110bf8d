//! Logging for a board with a probe: nothing without the feature `defmt`.

/// What a person who watches wants to know.
macro_rules! info {
    ($($word:tt)*) => {{
        #[cfg(feature = "defmt")]
        defmt::info!($($word)*);
    }};
}

/// What should not happen, and was dealt with.
macro_rules! warning {
    ($($word:tt)*) => {{
        #[cfg(feature = "defmt")]
        defmt::warn!($($word)*);
    }};
}

/// What helps to find out why.
macro_rules! detail {
    ($($word:tt)*) => {{
        #[cfg(feature = "defmt")]
        defmt::debug!($($word)*);
    }};
}

pub(crate) use {detail, info, warning};
