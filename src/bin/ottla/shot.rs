//! A picture of the page, for whoever works on it.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::chromium::{Chromium, ChromiumError, Profile};

#[derive(Debug, Clone, clap::Args)]
pub struct ShotArgs {
    #[arg(long, default_value = "http://127.0.0.1:8080/")]
    pub url: String,
    /// Of the page, in CSS pixels
    #[arg(long, default_value = "1440x900", value_name = "WIDTHxHEIGHT")]
    pub size: Size,
    /// Where to save the PNG
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What the page learns of the person's preference
    #[arg(long, value_parser = ["light", "dark"], default_value = "light")]
    pub theme: String,
    /// JavaScript to run before, the body of a function
    #[arg(long, value_name = "SCRIPT")]
    pub script: Option<String>,
    /// A JavaScript expression to wait for before the script runs
    #[arg(long, value_name = "EXPRESSION", default_value = "document.readyState === 'complete'")]
    pub until: String,
    /// How long to let the page run on then, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    pub after_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

#[derive(Debug, Error)]
#[error("a size is written as 1440x900")]
pub struct BadSize;

impl FromStr for Size {
    type Err = BadSize;

    fn from_str(text: &str) -> Result<Self, BadSize> {
        let (width, height) = text.split_once('x').ok_or(BadSize)?;
        Ok(Self { width: width.parse().map_err(|_| BadSize)?, height: height.parse().map_err(|_| BadSize)? })
    }
}

#[derive(Debug, Error)]
pub enum ShotError {
    #[error(transparent)]
    Chromium(#[from] ChromiumError),
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
}

/// Opens the page, waits, saves its picture, and prints what it wrote to its console.
pub fn run(args: &ShotArgs) -> Result<(), ShotError> {
    let profile = Profile::fresh()?;
    let result = tokio::runtime::Runtime::new().map_err(ShotError::Runtime)?.block_on(shoot(args, profile.clone()));
    profile.remove();
    Ok(result?)
}

async fn shoot(args: &ShotArgs, profile: Profile) -> Result<(), ChromiumError> {
    let chromium = Chromium::start(profile, args.size.width, args.size.height).await?;
    chromium.color_scheme(&args.theme).await?;
    chromium.tab.goto(&args.url).await?;
    let ready = chromium.wait_for(&args.until, &args.until, Duration::from_secs(30)).await;
    if let (Ok(()), Some(script)) = (&ready, &args.script) {
        println!("{}", chromium.eval(script).await?);
    }
    // The only place that lets real time pass: a person asked for it.
    tokio::time::sleep(Duration::from_millis(args.after_ms)).await;
    chromium.screenshot(&args.out).await?;
    for line in chromium.console().await? {
        println!("{line}");
    }
    ready
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_two_numbers() {
        assert_eq!("390x844".parse::<Size>().unwrap(), Size { width: 390, height: 844 });
        for bad in ["390", "x844", "390x", "390x-1", "390 x 844"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }
}
