//! Is a run its seed and its commands, and nothing else?

use ottla::playground::build::Machine;
use ottla::playground::proof;

#[test]
fn one_seed_is_one_run() {
    let first = proof::digest_of_standard_run().unwrap();
    assert_eq!(proof::digest_of_standard_run().unwrap(), first);
    assert_ne!(proof::digest_on(&Machine::default(), proof::SEED + 1).unwrap(), first, "another seed is another run");
}

#[test]
fn encoding_and_decoding_every_frame_changes_nothing() {
    assert_eq!(proof::digest_of_recoded_run().unwrap(), proof::digest_of_standard_run().unwrap());
}
