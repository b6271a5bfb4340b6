//! The page's wasm comes in halves: does a start need the first ones only, and what if the others cannot be had?

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::harness::{self, DESKTOP, in_browser_at};
use crate::terminal::{press, wait_for};

/// The built page without the files whose names end so.
fn page_without(name: &str, missing: &[&str]) -> PathBuf {
    let dist = harness::dist();
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&copy);
    copy_files(&dist, &copy, &|file| missing.iter().any(|end| file.trim_end_matches(".br").ends_with(end)));
    copy
}

fn copy_files(from: &Path, to: &Path, leave_out: &dyn Fn(&str) -> bool) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the built page").flatten() {
        let name = entry.file_name();
        match entry.path() {
            path if path.is_dir() => copy_files(&path, &to.join(name), leave_out),
            _ if leave_out(&name.to_string_lossy()) => {}
            path => _ = fs::copy(path, to.join(name)).expect("a copy"),
        }
    }
}

#[test]
fn a_start_needs_the_first_halves_only() {
    let dist = page_without("halves-start", &["_rest.wasm"]);
    in_browser_at(&dist, "halves-start", DESKTOP, async |page| {
        for query in ["", "?lesson=basics/02-competing-consumers", "?lesson=replication/01-kill-a-node"] {
            page.open(query).await?;
            wait_for(page, "document.querySelector('[data-engine=ready]')").await?;
        }
        Ok(())
    });
}

#[test]
fn a_half_that_cannot_be_had_is_said() {
    let dist = page_without("halves-lost", &["engine_rest.wasm"]);
    in_browser_at(&dist, "halves-lost", DESKTOP, async |page| {
        page.open("?lesson=basics/01-topic-and-console").await?;
        wait_for(page, "document.querySelector('[data-engine=ready]')").await?;
        press(page, &["t"]).await?;
        wait_for(page, "document.activeElement.matches('.prompt textarea')").await?;
        press(page, &["kafka-topics.sh --version", "Enter"]).await?;
        page.wait_for("the word about it", "document.querySelector('[data-engine=failed] pre.said')", Duration::from_secs(60)).await?;
        let said = page.eval("return document.querySelector('[data-engine=failed] pre.said').innerText").await?;
        assert!(said.as_str().is_some_and(|said| said.contains("cannot be fetched")), "{said}");
        page.screenshot("lost").await
    });
}
