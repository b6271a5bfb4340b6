//! SHA-256 and SHA-512 (FIPS 180-4), HMAC (RFC 2104) and PBKDF2 (RFC 2898): what SCRAM computes. Small rather than fast: a credential is made
//! once. (A crate for it would bring six others.)

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha512,
}

/// The first 64 bits of the fractions of the cube roots of the first 80 primes; SHA-256 takes the upper halves of the first 64.
#[rustfmt::skip]
const ROUND: [u64; 80] = [
    0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd, 0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538, 0x59f1_11f1_b605_d019, 0x923f_82a4_af19_4f9b, 0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242, 0x1283_5b01_4570_6fbe, 0x2431_85be_4ee4_b28c, 0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f, 0x80de_b1fe_3b16_96b1, 0x9bdc_06a7_25c7_1235, 0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2, 0xefbe_4786_384f_25e3, 0x0fc1_9dc6_8b8c_d5b5, 0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275, 0x4a74_84aa_6ea6_e483, 0x5cb0_a9dc_bd41_fbd4, 0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab, 0xa831_c66d_2db4_3210, 0xb003_27c8_98fb_213f, 0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2, 0xd5a7_9147_930a_a725, 0x06ca_6351_e003_826f, 0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc, 0x2e1b_2138_5c26_c926, 0x4d2c_6dfc_5ac4_2aed, 0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de, 0x766a_0abb_3c77_b2a8, 0x81c2_c92e_47ed_aee6, 0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364, 0xa81a_664b_bc42_3001, 0xc24b_8b70_d0f8_9791, 0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218, 0xd699_0624_5565_a910, 0xf40e_3585_5771_202a, 0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8, 0x1e37_6c08_5141_ab53, 0x2748_774c_df8e_eb99, 0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63, 0x4ed8_aa4a_e341_8acb, 0x5b9c_ca4f_7763_e373, 0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc, 0x78a5_636f_4317_2f60, 0x84c8_7814_a1f0_ab72, 0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28, 0xa450_6ceb_de82_bde9, 0xbef9_a3f7_b2c6_7915, 0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c, 0xd186_b8c7_21c0_c207, 0xeada_7dd6_cde0_eb1e, 0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba, 0x0a63_7dc5_a2c8_98a6, 0x113f_9804_bef9_0dae, 0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84, 0x32ca_ab7b_40c7_2493, 0x3c9e_be0a_15c9_bebc, 0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6, 0x597f_299c_fc65_7e2a, 0x5fcb_6fab_3ad6_faec, 0x6c44_198c_4a47_5817,
];

/// The same of the square roots of the first eight.
#[rustfmt::skip]
const START: [u64; 8] = [
    0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f, 0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179,
];

impl Hash {
    pub fn of(self, data: &[u8]) -> Vec<u8> {
        let block = self.block_bytes();
        let mut padded = data.to_vec();
        padded.push(0x80);
        // The length in bits stands in the last eighth of the last block.
        while padded.len() % block != block - block / 8 {
            padded.push(0);
        }
        padded.resize(padded.len() + block / 8 - 8, 0);
        padded.extend_from_slice(&(data.len() as u64 * 8).to_be_bytes());
        match self {
            Hash::Sha256 => {
                let mut state = START.map(|word| (word >> 32) as u32);
                padded.chunks_exact(block).for_each(|block| compress_256(&mut state, block));
                state.iter().flat_map(|word| word.to_be_bytes()).collect()
            }
            Hash::Sha512 => {
                let mut state = START;
                padded.chunks_exact(block).for_each(|block| compress_512(&mut state, block));
                state.iter().flat_map(|word| word.to_be_bytes()).collect()
            }
        }
    }

    pub fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        let block = self.block_bytes();
        let mut padded = if key.len() > block { self.of(key) } else { key.to_vec() };
        padded.resize(block, 0);
        let with = |pad: u8, data: &[u8]| {
            let mut text: Vec<u8> = padded.iter().map(|byte| byte ^ pad).collect();
            text.extend_from_slice(data);
            self.of(&text)
        };
        with(0x5c, &with(0x36, data))
    }

    /// `ScramFormatter.hi`: PBKDF2 with one block.
    pub fn pbkdf2(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut last = self.hmac(password, &[salt, &[0, 0, 0, 1]].concat());
        let mut result = last.clone();
        for _ in 1..iterations {
            last = self.hmac(password, &last);
            result.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
        }
        result
    }

    fn block_bytes(self) -> usize {
        if self == Hash::Sha256 { 64 } else { 128 }
    }
}

fn compress_256(state: &mut [u32; 8], block: &[u8]) {
    let mut w = [0u32; 64];
    for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    for t in 16..64 {
        let (a, b) = (w[t - 15], w[t - 2]);
        let low = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
        let high = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
        w[t] = w[t - 16].wrapping_add(low).wrapping_add(w[t - 7]).wrapping_add(high);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for t in 0..64 {
        let sum = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let one = h.wrapping_add(sum).wrapping_add((e & f) ^ (!e & g)).wrapping_add((ROUND[t] >> 32) as u32).wrapping_add(w[t]);
        let two = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22)).wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(one), c, b, a, one.wrapping_add(two));
    }
    for (word, add) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(add);
    }
}

fn compress_512(state: &mut [u64; 8], block: &[u8]) {
    let mut w = [0u64; 80];
    for (word, bytes) in w.iter_mut().zip(block.chunks_exact(8)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    for t in 16..80 {
        let (a, b) = (w[t - 15], w[t - 2]);
        let low = a.rotate_right(1) ^ a.rotate_right(8) ^ (a >> 7);
        let high = b.rotate_right(19) ^ b.rotate_right(61) ^ (b >> 6);
        w[t] = w[t - 16].wrapping_add(low).wrapping_add(w[t - 7]).wrapping_add(high);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for t in 0..80 {
        let sum = e.rotate_right(14) ^ e.rotate_right(18) ^ e.rotate_right(41);
        let one = h.wrapping_add(sum).wrapping_add((e & f) ^ (!e & g)).wrapping_add(ROUND[t]).wrapping_add(w[t]);
        let two = (a.rotate_right(28) ^ a.rotate_right(34) ^ a.rotate_right(39)).wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(one), c, b, a, one.wrapping_add(two));
    }
    for (word, add) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn known_answers() {
        assert_eq!(hex(&Hash::Sha256.of(b""))[..32], *"e3b0c44298fc1c149afbf4c8996fb924");
        assert_eq!(hex(&Hash::Sha512.of(b""))[..32], *"cf83e1357eefb8bdf1542850d66d8007");
        assert_eq!(hex(&Hash::Sha256.of(b"abc"))[..32], *"ba7816bf8f01cfea414140de5dae2223");
        assert_eq!(hex(&Hash::Sha512.of(b"abc"))[..32], *"ddaf35a193617abacc417349ae204131");
        assert_eq!(hex(&Hash::Sha256.of(&[b'a'; 111]))[..32], *"6374f73208854473827f6f6a3f43b1f5");
        assert_eq!(hex(&Hash::Sha512.of(&[b'a'; 111]))[..32], *"fa9121c7b32b9e01733d034cfc78cbf6");
        assert_eq!(hex(&Hash::Sha256.of(&[b'a'; 200]))[..32], *"c2a908d98f5df987ade41b5fce213067");
        assert_eq!(hex(&Hash::Sha512.of(&[b'a'; 200]))[..32], *"4b11459c33f52a22ee8236782714c150");
        assert_eq!(hex(&Hash::Sha256.hmac(b"key", b"data"))[..32], *"5031fe3d989c6d1537a013fa6e739da2");
        assert_eq!(hex(&Hash::Sha512.hmac(&[7; 200], b"data"))[..32], *"990c460521b0f32bd8c0d969bf22d964");
        assert_eq!(hex(&Hash::Sha256.pbkdf2(b"secret", b"salt", 64))[..32], *"f5f2c5620e37e0e4979bc0f3abec7c1c");
        assert_eq!(hex(&Hash::Sha512.pbkdf2(b"secret", b"salt", 64))[..32], *"a8ec32dd9a8aa33c52cec1c530304af7");
    }
}
