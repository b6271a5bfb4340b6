//! SCRAM (RFC 5802, RFC 7677): a user shows that it knows its password without sending it, and the server that it knows the user
//! (`ScramSaslServer`, `ScramSaslClient`).

use std::sync::Arc;

use super::scram::{Credential, Mechanism};

/// No channel binding, as the last message repeats it: `n,,` in base64.
const NO_BINDING: &str = "biws";

/// A server that has sent its challenge.
#[derive(Clone, Debug)]
pub struct ScramServer {
    mechanism: Mechanism,
    user: String,
    credential: Arc<Credential>,
    nonce: String,
    /// What both sides sign, without the client's last message.
    said: String,
}

/// A client that has sent its first message.
#[derive(Clone, Debug)]
pub struct ScramClient {
    mechanism: Mechanism,
    password: String,
    nonce: String,
    first: String,
    /// The signature that the server must show in the end.
    expected: Option<Vec<u8>>,
}

impl ScramServer {
    /// The client's first message; the challenge. `None`: it is no such message, or the user has no such credential.
    pub fn begin(
        mechanism: Mechanism,
        message: &[u8],
        nonce: &str,
        credential_of: impl Fn(&str) -> Option<Arc<Credential>>,
    ) -> Option<(ScramServer, Vec<u8>)> {
        // n,[a=authorization id],n=user,r=nonce
        let text = std::str::from_utf8(message).ok()?.strip_prefix("n,")?;
        let (authorization_id, bare) = text.split_once(',')?;
        let user = name_of(field(bare, 'n')?);
        if !authorization_id.is_empty() && authorization_id.strip_prefix("a=").map(name_of).as_deref() != Some(&user) {
            return None;
        }
        let credential = credential_of(&user)?;
        let nonce = format!("{}{nonce}", field(bare, 'r')?);
        let challenge = format!("r={nonce},s={},i={}", base64(&credential.salt), credential.iterations);
        let said = format!("{bare},{challenge}");
        Some((ScramServer { mechanism, user, credential, nonce, said }, challenge.into_bytes()))
    }

    /// The client's last message; whose it is, and the server's own signature. `None`: whoever it is does not know the password.
    pub fn finish(self, message: &[u8]) -> Option<(String, Vec<u8>)> {
        let text = std::str::from_utf8(message).ok()?;
        let (without_proof, proof) = text.rsplit_once(",p=")?;
        if field(text, 'c')? != NO_BINDING || field(text, 'r')? != self.nonce {
            return None;
        }
        let auth_message = format!("{},{without_proof}", self.said);
        let signature = self.mechanism.hmac(&self.credential.stored_key, auth_message.as_bytes());
        let client_key = xor(&from_base64(proof)?, &signature)?;
        if self.mechanism.digest(&client_key) != self.credential.stored_key {
            return None;
        }
        let own = self.mechanism.hmac(&self.credential.server_key, auth_message.as_bytes());
        Some((self.user, format!("v={}", base64(&own)).into_bytes()))
    }
}

impl ScramClient {
    /// With the first message.
    pub fn begin(mechanism: Mechanism, user: &str, password: &str, nonce: String) -> (ScramClient, Vec<u8>) {
        let first = format!("n={},r={nonce}", user.replace('=', "=3D").replace(',', "=2C"));
        let message = format!("n,,{first}").into_bytes();
        (ScramClient { mechanism, password: password.to_owned(), nonce, first, expected: None }, message)
    }

    /// What is said to the server's next message; nothing more after its last.
    ///
    /// # Errors
    /// If the server does not speak as one that knows the password.
    pub fn answer(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let invalid = || "Invalid SCRAM message from the server".to_owned();
        let text = std::str::from_utf8(message).map_err(|_| invalid())?;
        if let Some(expected) = &self.expected {
            let shown = field(text, 'v').and_then(from_base64);
            return if shown.as_ref() == Some(expected) {
                Ok(None)
            } else {
                Err("Invalid server signature in server final message".into())
            };
        }
        let (nonce, salt, iterations) = field(text, 'r')
            .zip(field(text, 's').and_then(from_base64))
            .zip(field(text, 'i').and_then(|i| i.parse().ok()))
            .map(|((nonce, salt), iterations): (_, i32)| (nonce, salt, iterations))
            .ok_or_else(invalid)?;
        if !nonce.starts_with(&self.nonce) {
            return Err("Invalid server nonce: does not start with client nonce".into());
        }
        if !(Mechanism::MIN_ITERATIONS..=Mechanism::MAX_ITERATIONS).contains(&iterations) {
            return Err(format!("Requested iterations {iterations} is less than the minimum {}", Mechanism::MIN_ITERATIONS));
        }
        let without_proof = format!("c={NO_BINDING},r={nonce}");
        let auth_message = format!("{},{text},{without_proof}", self.first);
        let salted = self.mechanism.salted_password(&self.password, &salt, iterations);
        let credential = self.mechanism.credential(&salt, &salted, iterations);
        let signature = self.mechanism.hmac(&credential.stored_key, auth_message.as_bytes());
        let client_key = self.mechanism.hmac(&salted, b"Client Key");
        self.expected = Some(self.mechanism.hmac(&credential.server_key, auth_message.as_bytes()));
        let proof = xor(&client_key, &signature).ok_or_else(invalid)?;
        Ok(Some(format!("{without_proof},p={}", base64(&proof)).into_bytes()))
    }
}

/// The value of `x=value` among fields with commas between.
fn field(text: &str, name: char) -> Option<&str> {
    text.split(',').find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
}

fn name_of(text: &str) -> String {
    text.replace("=2C", ",").replace("=3D", "=")
}

fn xor(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    (a.len() == b.len()).then(|| a.iter().zip(b).map(|(a, b)| a ^ b).collect())
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for n in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * n) & 63) as usize];
            text.push(if n <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').bytes().map(|byte| DIGITS.iter().position(|digit| *digit == byte).map(|n| n as u32));
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        (bits, held) = ((bits << 6 | digit?) & 0xffff, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: [u8; 16] = [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];

    fn credential_of(user: &str) -> Option<Arc<Credential>> {
        let salted = Mechanism::Sha256.salted_password("pencil", &SALT, 4_096);
        (user == "user").then(|| Arc::new(Mechanism::Sha256.credential(&SALT, &salted, 4_096)))
    }

    /// The example of RFC 7677, message by message.
    #[test]
    fn the_exchange_of_pencil() {
        let (mut client, first) = ScramClient::begin(Mechanism::Sha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO".into());
        assert_eq!(first, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let (server, challenge) = ScramServer::begin(Mechanism::Sha256, &first, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", credential_of).unwrap();
        assert_eq!(challenge, b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        let last = client.answer(&challenge).unwrap().unwrap();
        assert_eq!(
            String::from_utf8(last.clone()).unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        let (user, signature) = server.finish(&last).unwrap();
        assert_eq!((&*user, &signature[..]), ("user", &b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="[..]));
        assert_eq!(client.answer(&signature), Ok(None));
    }

    #[test]
    fn who_does_not_know_the_password() {
        let (mut client, first) = ScramClient::begin(Mechanism::Sha256, "user", "pen", "abc".into());
        let (server, challenge) = ScramServer::begin(Mechanism::Sha256, &first, "def", credential_of).unwrap();
        let last = client.answer(&challenge).unwrap().unwrap();
        assert!(server.finish(&last).is_none());
        let (_, nobody) = ScramClient::begin(Mechanism::Sha256, "a,b=c", "pencil", "abc".into());
        assert_eq!(nobody, b"n,,n=a=2Cb=3Dc,r=abc");
        assert!(ScramServer::begin(Mechanism::Sha256, &nobody, "def", credential_of).is_none());
        for message in [&b""[..], b"n", b"n,,", b"n,,n=user", b"y,,n=user,r=a", b"\xff"] {
            assert!(ScramServer::begin(Mechanism::Sha256, message, "def", credential_of).is_none());
        }
        assert!(client.answer(b"v=AAAA").is_err());
    }
}
