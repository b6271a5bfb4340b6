//! The page: the main thread's half of the wasm. See `ottla::ui`.

fn main() {
    #[cfg(target_arch = "wasm32")]
    ottla::ui::start();
}
