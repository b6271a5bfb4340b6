//! SCRAM credentials (RFC 5802, `ScramFormatter`): what a cluster keeps of a user's password.

use super::sha2::Hash;

/// `ScramMechanism`, by its number in requests and records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mechanism {
    Sha256 = 1,
    Sha512 = 2,
}

impl Mechanism {
    pub const ALL: [Mechanism; 2] = [Mechanism::Sha256, Mechanism::Sha512];
    /// So many iterations at least.
    pub const MIN_ITERATIONS: i32 = 4_096;
    /// `ScramControlManager.MAX_ITERATIONS`
    pub const MAX_ITERATIONS: i32 = 16_384;

    pub fn of_code(code: i8) -> Option<Mechanism> {
        Mechanism::ALL.into_iter().find(|mechanism| mechanism.code() == code)
    }

    pub fn of_name(name: &str) -> Option<Mechanism> {
        Mechanism::ALL.into_iter().find(|mechanism| mechanism.name() == name)
    }

    pub fn code(self) -> i8 {
        self as i8
    }

    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Sha256 => "SCRAM-SHA-256",
            Mechanism::Sha512 => "SCRAM-SHA-512",
        }
    }

    fn hash(self) -> Hash {
        match self {
            Mechanism::Sha256 => Hash::Sha256,
            Mechanism::Sha512 => Hash::Sha512,
        }
    }

    pub(super) fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        self.hash().hmac(key, data)
    }

    pub(super) fn digest(self, data: &[u8]) -> Vec<u8> {
        self.hash().of(data)
    }

    /// What leaves a client: it, not the password, is sent.
    pub fn salted_password(self, password: &str, salt: &[u8], iterations: i32) -> Vec<u8> {
        self.hash().pbkdf2(password.as_bytes(), salt, iterations.max(1).cast_unsigned())
    }

    /// What is kept: enough to recognise who knows the password, and to be recognised; the password cannot be found from it.
    pub fn credential(self, salt: &[u8], salted_password: &[u8], iterations: i32) -> Credential {
        let hash = self.hash();
        Credential {
            salt: salt.to_vec(),
            stored_key: hash.of(&hash.hmac(salted_password, b"Client Key")),
            server_key: hash.hmac(salted_password, b"Server Key"),
            iterations,
        }
    }
}

/// `ScramCredential`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub salt: Vec<u8>,
    pub stored_key: Vec<u8>,
    pub server_key: Vec<u8>,
    pub iterations: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677.
    #[test]
    fn the_keys_of_pencil() {
        let salt = [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
        let salted = Mechanism::Sha256.salted_password("pencil", &salt, 4096);
        let credential = Mechanism::Sha256.credential(&salt, &salted, 4096);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&credential.stored_key), "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6");
        assert_eq!(hex(&credential.server_key), "c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5");
    }
}
