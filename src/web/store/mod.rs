//! A run in IndexedDB: a database for each, named by lesson and seed.
//!
//! Three object stores: `log` holds puts by number, `base` what was folded, `packs` the folded chunks. Values are bytes; what they mean, and that
//! any moment is a good one to be killed at, stands in [`crate::playground::stored`]. Transactions are relaxed (the default everywhere):
//! "stored" outlives the tab and the browser, though not a power cut of the whole machine at that moment.

mod dump;
pub mod lock;

use futures::channel::oneshot;
use idb::{Database, DatabaseEvent, Error, Factory, KeyRange, ObjectStoreParams, Query, Transaction, TransactionMode};
use js_sys::Uint8Array;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};

pub use dump::dump;

use crate::playground::stored::{Base, FORMAT, Fold, Pack, Put, Stored};

const LOG: &str = "log";
const BASE: &str = "base";
const PACKS: &str = "packs";
const ALL: [&str; 3] = [LOG, BASE, PACKS];

/// An open database.
#[derive(Debug)]
pub struct Store(Database);

/// Why something could not be stored or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No room is left for this site.
    #[error("the browser gives this page no more room")]
    Full,
    /// It was stored by another version of Ottla.
    #[error("it is stored in a form that this version of Ottla does not know")]
    UnknownFormat,
    #[error("what is stored is damaged: {0}")]
    Damaged(String),
    /// A sandboxed frame, private browsing, a broken profile.
    #[error("the browser does not let this page store anything ({0})")]
    Refused(String),
}

impl Store {
    /// Opens a database, and makes it where there is none.
    pub async fn open(name: &str) -> Result<Store, StoreError> {
        let mut request = Factory::new()?.open(name, Some(FORMAT))?;
        request.on_upgrade_needed(|event| {
            let Ok(database) = event.database() else { return };
            for store in ALL {
                // If it fails, opening fails, and that is heard.
                let _ = database.create_object_store(store, ObjectStoreParams::new());
            }
        });
        let store = Store(request.await?);
        let names = store.0.store_names();
        match ALL.iter().all(|wanted| names.iter().any(|name| name == wanted)) {
            true => Ok(store),
            false => Err(StoreError::UnknownFormat),
        }
    }

    /// Deletes a database for good.
    pub async fn delete(name: &str) -> Result<(), StoreError> {
        Ok(Factory::new()?.delete(name)?.await?)
    }

    /// What is stored, if anything is.
    pub async fn load(&self) -> Result<Option<Stored>, StoreError> {
        let transaction = self.0.transaction(&ALL, TransactionMode::ReadOnly)?;
        let values =
            async |store: &str| -> Result<Vec<JsValue>, StoreError> { Ok(transaction.object_store(store)?.get_all(None, None)?.await?) };
        let base: Vec<Base> = decode_all(values(BASE).await?)?;
        let packs: Vec<Pack> = decode_all(values(PACKS).await?)?;
        let puts: Vec<Put> = decode_all(values(LOG).await?)?;
        Stored::open(base.into_iter().next(), packs, puts).map_err(|damaged| StoreError::Damaged(damaged.to_string()))
    }

    /// Stores a put. `anew`: nothing that was stored before counts any more, from the same moment on.
    pub async fn put(&self, number: u64, put: &Put, anew: bool) -> Result<(), StoreError> {
        let bytes = encode(put)?;
        let transaction = self.0.transaction(if anew { &ALL[..] } else { &ALL[..1] }, TransactionMode::ReadWrite)?;
        if anew {
            for store in ALL {
                let _ = transaction.object_store(store)?.clear()?;
            }
        }
        let _ = transaction.object_store(LOG)?.put(&bytes, Some(&key(number)))?;
        committed(transaction).await
    }

    /// Stores bytes that mean nothing: what IndexedDB itself can do.
    pub async fn raw(&self, number: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let transaction = self.0.transaction(&[PACKS], TransactionMode::ReadWrite)?;
        let _ = transaction.object_store(PACKS)?.put(&Uint8Array::from(bytes).into(), Some(&key(number)))?;
        committed(transaction).await
    }

    /// Replaces puts by a base and a pack.
    pub async fn fold(&self, fold: &Fold) -> Result<(), StoreError> {
        let (base, pack) = (encode(&fold.base)?, encode(&fold.pack)?);
        let transaction = self.0.transaction(&ALL, TransactionMode::ReadWrite)?;
        let _ = transaction.object_store(BASE)?.put(&base, Some(&key(0)))?;
        let packs = transaction.object_store(PACKS)?;
        for dead in &fold.dead_packs {
            let _ = packs.delete(Query::Key(key(*dead)))?;
        }
        if !fold.pack.is_empty() {
            let _ = packs.put(&pack, Some(&key(fold.up_to)))?;
        }
        let folded = KeyRange::upper_bound(&key(fold.up_to), Some(false))?;
        let _ = transaction.object_store(LOG)?.delete(Query::KeyRange(folded))?;
        committed(transaction).await
    }
}

impl Drop for Store {
    /// An open connection would keep others from deleting the database.
    fn drop(&mut self) {
        self.0.close();
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> StoreError {
        let said = match error {
            Error::DomException(error) => error.name(),
            other => other.to_string(),
        };
        match &said {
            said if said.contains("QuotaExceeded") => StoreError::Full,
            said if said.contains("VersionError") => StoreError::UnknownFormat,
            _ => StoreError::Refused(said),
        }
    }
}

/// Waits until a transaction is through; only then is anything stored.
async fn committed(mut transaction: Transaction) -> Result<(), StoreError> {
    let (complete, completed) = oneshot::channel();
    let (abort, aborted) = oneshot::channel();
    transaction.on_complete(move |_| complete.send(()).unwrap_or_default());
    transaction.on_abort(move |event| {
        let error = event.target().and_then(|target| Transaction::try_from(target).ok()).and_then(|transaction| transaction.error());
        let _ = abort.send(error.map_or(StoreError::Refused("aborted".into()), |error| Error::DomException(error).into()));
    });
    match futures::future::select(completed, aborted).await {
        futures::future::Either::Left(_) => Ok(()),
        futures::future::Either::Right((error, _)) => Err(error.unwrap_or(StoreError::Refused("aborted".into()))),
    }
}

fn key(number: u64) -> JsValue {
    JsValue::from_f64(number as f64)
}

fn encode(value: &impl Serialize) -> Result<JsValue, StoreError> {
    let bytes = bincode::serialize(value).map_err(|error| StoreError::Damaged(error.to_string()))?;
    Ok(Uint8Array::from(&bytes[..]).into())
}

fn decode_all<T: DeserializeOwned>(values: Vec<JsValue>) -> Result<Vec<T>, StoreError> {
    let decode = |value: JsValue| {
        let bytes = value.dyn_into::<Uint8Array>().map_err(|_| StoreError::Damaged("not bytes".into()))?.to_vec();
        bincode::deserialize(&bytes).map_err(|error| StoreError::Damaged(error.to_string()))
    };
    values.into_iter().map(decode).collect()
}
