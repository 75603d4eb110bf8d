//! The CBOR (RFC 8949) that SMP requests and answers are made of: one flat map with text keys.

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

/// Every field that a request may carry, whatever the command.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fields<'a> {
    pub off: Option<u32>,
    pub data: Option<&'a [u8]>,
    pub len: Option<u32>,
    pub image: Option<u32>,
    pub sha: Option<&'a [u8]>,
    pub upgrade: Option<bool>,
    pub hash: Option<&'a [u8]>,
    pub confirm: Option<bool>,
    pub slot: Option<u32>,
    pub boot_mode: Option<u32>,
    pub echo: Option<&'a str>,
    pub format: Option<&'a str>,
    pub query: Option<&'a str>,
}

impl<'a> Fields<'a> {
    /// Decode a request's body. Unknown fields are ignored, `null` is as good as absent.
    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Error> {
        let mut fields = Self::default();
        let mut decoder = Decoder::new(body);
        let mut left = decoder.map()?;
        while left.is_none_or(|left| left > 0) {
            if left.is_none() && decoder.datatype()? == Type::Break {
                break;
            }
            fields.take(&mut decoder)?;
            left = left.map(|left| left - 1);
        }
        Ok(fields)
    }

    fn take(&mut self, decoder: &mut Decoder<'a>) -> Result<(), Error> {
        let key = decoder.str()?;
        if decoder.datatype()? == Type::Null {
            return decoder.skip();
        }
        match key {
            "off" => self.off = Some(decoder.u32()?),
            "data" => self.data = Some(decoder.bytes()?),
            "len" => self.len = Some(decoder.u32()?),
            "image" => self.image = Some(decoder.u32()?),
            "sha" => self.sha = Some(decoder.bytes()?),
            "upgrade" => self.upgrade = Some(decoder.bool()?),
            "hash" => self.hash = Some(decoder.bytes()?),
            "confirm" => self.confirm = Some(decoder.bool()?),
            "slot" => self.slot = Some(decoder.u32()?),
            "boot_mode" => self.boot_mode = Some(decoder.u32()?),
            "format" => self.format = Some(decoder.str()?),
            "query" => self.query = Some(decoder.str()?),
            "d" => self.echo = Some(decoder.str()?),
            _ => decoder.skip()?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_indefinite_map_is_a_map() {
        let body = [0xbf, 0x63, b'o', b'f', b'f', 0x18, 0x40, 0x61, b'x', 0x82, 0x01, 0xf6, 0xff];
        assert_eq!(Fields::decode(&body).unwrap(), Fields { off: Some(64), ..Fields::default() });
    }

    #[test]
    fn null_is_absent() {
        let body = [0xa1, 0x63, b's', b'h', b'a', 0xf6];
        assert_eq!(Fields::decode(&body).unwrap(), Fields::default());
    }

    #[test]
    fn a_field_of_another_type_is_malformed() {
        let body = [0xa1, 0x63, b'o', b'f', b'f', 0x61, b'1'];
        assert!(Fields::decode(&body).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Fields::decode(&body);
        }
    }
}
