//! Ed25519 (RFC 8032, section 5.1.7) in turns. A whole verification keeps an nRF52840 busy for some 0.3 s, in which the radio's
//! less urgent work would stand still; here others have their turn after every step of a few milliseconds.
//!
//! The group's arithmetic is `curve25519-dalek`'s; what is written here is the order of it: s·B − k·A from the highest three
//! bits down. The tests hold it against `ed25519-dalek`.

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use embassy_futures::yield_now;
use sha2::{Digest, Sha512};

/// Bits that a step takes of a scalar: `mul_by_cofactor` doubles as often.
const WINDOW_BITS: usize = 3;
/// Scalars are below 2²⁵³.
const WINDOWS: usize = 253usize.div_ceil(WINDOW_BITS);

/// Whether `signature` is that of `message` by `key`, as strictly as `VerifyingKey::verify_strict`.
pub(crate) async fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let Some((r, s)) = signature.split_first_chunk::<32>() else { return false };
    let Ok(s) = s.try_into() else { return false };
    let Some(s) = Scalar::from_canonical_bytes(s).into_option() else { return false };
    let Some(a) = CompressedEdwardsY(*key).decompress() else { return false };
    let digest = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    let k = Scalar::from_bytes_mod_order_wide(&digest.into());
    let sum = s_times_base_minus_k_times(&s, &k, &a).await;
    sum.compress().as_bytes() == r && !sum.is_small_order() && !a.is_small_order()
}

async fn s_times_base_minus_k_times(s: &Scalar, k: &Scalar, a: &EdwardsPoint) -> EdwardsPoint {
    let base = multiples(ED25519_BASEPOINT_POINT);
    let minus_a = multiples(-a);
    let mut sum = EdwardsPoint::identity();
    for window in (0..WINDOWS).rev() {
        sum = sum.mul_by_cofactor() + base[digit(s, window)] + minus_a[digit(k, window)];
        yield_now().await;
    }
    sum
}

/// 0·point to 7·point.
fn multiples(point: EdwardsPoint) -> [EdwardsPoint; 1 << WINDOW_BITS] {
    let mut table = [EdwardsPoint::identity(); 1 << WINDOW_BITS];
    for i in 1..table.len() {
        table[i] = table[i - 1] + point;
    }
    table
}

fn digit(scalar: &Scalar, window: usize) -> usize {
    let bytes = scalar.as_bytes();
    let bit = window * WINDOW_BITS;
    let [low, high] = [bytes[bit / 8], bytes.get(bit / 8 + 1).copied().unwrap_or(0)];
    usize::from(u16::from_le_bytes([low, high]) >> (bit % 8)) & ((1 << WINDOW_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
    use embassy_futures::block_on;
    use proptest::prelude::*;

    fn both(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> (bool, bool) {
        let library = VerifyingKey::from_bytes(key)
            .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok());
        (block_on(verify(key, message, signature)), library)
    }

    /// RFC 8032, section 7.1, tests 1 and 2.
    #[test]
    fn the_vectors_of_the_rfc_pass() {
        let bytes = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
        };
        for (key, message, signature) in [
            (
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
        ] {
            let key = bytes(key).try_into().unwrap();
            let signature = bytes(signature).try_into().unwrap();
            assert_eq!(both(&key, &bytes(message), &signature), (true, true));
        }
    }

    #[test]
    fn keys_and_points_of_small_order_are_refused() {
        // The identity as key and as R, with s = 0: the equation holds for every message.
        let mut signature = [0; 64];
        signature[0] = 1;
        let mut key = [0; 32];
        key[0] = 1;
        assert_eq!(both(&key, b"anything", &signature), (false, false));
    }

    #[test]
    fn a_scalar_beyond_the_order_is_refused() {
        /// The group's order, little-endian.
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let signer = SigningKey::from_bytes(&[7; 32]);
        let mut signature = signer.sign(b"message").to_bytes();
        let mut carry = 0;
        for (byte, add) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            (*byte, carry) = (sum as u8, sum >> 8);
        }
        assert_eq!(both(&signer.verifying_key().to_bytes(), b"message", &signature), (false, false));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn it_says_what_the_library_says(
            seed in any::<[u8; 32]>(), message in any::<[u8; 32]>(), flip in prop::option::of((0_usize..128, 0_u8..8)),
        ) {
            let signer = SigningKey::from_bytes(&seed);
            let mut all = [0; 128];
            all[..64].copy_from_slice(&signer.sign(&message).to_bytes());
            all[64..96].copy_from_slice(&signer.verifying_key().to_bytes());
            all[96..].copy_from_slice(&message);
            if let Some((at, bit)) = flip {
                all[at] ^= 1 << bit;
            }
            let (signature, rest) = all.split_at(64);
            let (here, library) =
                both(rest[..32].try_into().unwrap(), &rest[32..], signature.try_into().unwrap());
            prop_assert_eq!(here, library);
            prop_assert_eq!(here, flip.is_none());
        }
    }
}
