//! A stored run as a file, whatever version of Ottla stored it: nothing is understood, nothing is changed.

use idb::{Factory, TransactionMode};
use js_sys::{Array, JSON, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use super::StoreError;

/// Every object store of a database with its keys and values, as JSON; bytes as hexadecimal digits.
pub async fn dump(name: &str) -> Result<Vec<u8>, StoreError> {
    let database = Factory::new()?.open(name, None)?.await?;
    let whole = Object::new();
    set(&whole, "format", &format!("ottla-stored-{}", database.version()?).into());
    for store_name in database.store_names() {
        let transaction = database.transaction(&[&store_name], TransactionMode::ReadOnly)?;
        let store = transaction.object_store(&store_name)?;
        let keys = store.get_all_keys(None, None)?.await?;
        let values = store.get_all(None, None)?.await?;
        let pairs: Array = keys.into_iter().zip(values).map(|(key, value)| Array::of2(&key, &readable(value))).collect();
        set(&whole, &store_name, &pairs);
    }
    database.close();
    let text = JSON::stringify(&whole).map_err(|_| StoreError::Damaged("it cannot be written as JSON".into()))?;
    Ok(String::from(text).into_bytes())
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // A plain object takes any property.
    let _ = Reflect::set(object, &name.into(), value);
}

fn readable(value: JsValue) -> JsValue {
    match value.dyn_into::<Uint8Array>() {
        Ok(bytes) => bytes.to_vec().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
        Err(other) => other,
    }
}
