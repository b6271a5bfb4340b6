//! The worker that owns the world: the other half of the wasm. See `ottla::web`.

fn main() {
    #[cfg(target_arch = "wasm32")]
    ottla::web::start();
}
