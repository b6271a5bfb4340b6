//! SCRAM credentials (`ScramControlManager`): kept as records, altered one a user and request.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_user_scram_credentials_request::{ScramCredentialDeletion, ScramCredentialUpsertion};
use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::{AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse};

use super::{Outcome, State};
use crate::kafka::metadata::record::MetadataRecord;
use crate::kafka::security::scram::Mechanism;

type Refusal = (ResponseError, &'static str);

impl State {
    /// AlterUserScramCredentials. Each user succeeds or fails by itself.
    #[inline(never)]
    pub fn alter_scram_credentials(&self, request: &AlterUserScramCredentialsRequest) -> Outcome {
        let mut times: BTreeMap<&str, u32> = BTreeMap::new();
        let names = request.deletions.iter().map(|deletion| deletion.name.as_str());
        for name in names.chain(request.upsertions.iter().map(|upsertion| upsertion.name.as_str())) {
            *times.entry(name).or_default() += 1;
        }
        let twice = |name: &str| match times.get(name) {
            Some(2..) => Err((ResponseError::DuplicateResource, "A user credential cannot be altered twice in the same request")),
            _ => Ok(()),
        };
        let mut results: BTreeMap<String, Result<MetadataRecord, Refusal>> = BTreeMap::new();
        for deletion in &request.deletions {
            let result = twice(deletion.name.as_str()).and_then(|()| self.delete_credential(deletion));
            results.insert(deletion.name.to_string(), result);
        }
        for upsertion in &request.upsertions {
            let result = twice(upsertion.name.as_str()).and_then(|()| upsert_credential(upsertion));
            results.insert(upsertion.name.to_string(), result);
        }
        let (mut records, mut answers) = (Vec::new(), Vec::new());
        for (user, result) in results {
            let answer = AlterUserScramCredentialsResult::default().with_user(user.into()).with_error_message(None);
            answers.push(match result {
                Ok(record) => {
                    records.push(record);
                    answer
                }
                Err((error, message)) => answer.with_error_code(error.code()).with_error_message(Some(message.into())),
            });
        }
        Outcome { records, response: AlterUserScramCredentialsResponse::default().with_results(answers).into() }
    }

    fn delete_credential(&self, deletion: &ScramCredentialDeletion) -> Result<MetadataRecord, Refusal> {
        let mechanism = mechanism(deletion.name.as_str(), deletion.mechanism)?;
        let name = deletion.name.to_string();
        match self.image.credentials.contains_key(&(name.clone(), mechanism)) {
            true => Ok(MetadataRecord::RemoveUserScramCredential { name, mechanism }),
            false => Err((ResponseError::ResourceNotFound, "Attempt to delete a user credential that does not exist")),
        }
    }
}

fn upsert_credential(upsertion: &ScramCredentialUpsertion) -> Result<MetadataRecord, Refusal> {
    let mechanism = mechanism(upsertion.name.as_str(), upsertion.mechanism)?;
    let unacceptable = |why| Err((ResponseError::UnacceptableCredential, why));
    match upsertion.iterations {
        ..Mechanism::MIN_ITERATIONS => return unacceptable("Too few iterations"),
        iterations if iterations > Mechanism::MAX_ITERATIONS => return unacceptable("Too many iterations"),
        _ => {}
    }
    if upsertion.salt.is_empty() || upsertion.salted_password.is_empty() {
        return unacceptable("Salt and salted password must not be empty");
    }
    let credential = mechanism.credential(&upsertion.salt, &upsertion.salted_password, upsertion.iterations);
    Ok(MetadataRecord::UserScramCredential { name: upsertion.name.to_string(), mechanism, credential: Arc::new(credential) })
}

fn mechanism(user: &str, code: i8) -> Result<Mechanism, Refusal> {
    if user.is_empty() {
        return Err((ResponseError::UnacceptableCredential, "Username must not be empty"));
    }
    Mechanism::of_code(code).ok_or((ResponseError::UnsupportedSaslMechanism, "Unknown SCRAM mechanism"))
}
