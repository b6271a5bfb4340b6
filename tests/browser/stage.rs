//! What is on the stage and beside it, by keyboard and by mouse.

use crate::harness::{DESKTOP, in_browser};
use crate::terminal::{open, press, shows, wait_for};

#[test]
fn a_frame_is_told_field_by_field() {
    in_browser("frame", DESKTOP, async |page| {
        open(page, "?lesson=none").await?;
        press(page, &["t"]).await?;
        wait_for(page, "document.activeElement.matches('.prompt textarea')").await?;
        // What waits at a cut stays in sight.
        press(page, &["cut kafka-1 kafka-100", "Enter", "sleep 3; echo waited", "Enter"]).await?;
        wait_for(page, "[...document.querySelectorAll('.terminal .line')].some((line) => line.innerText === 'waited')").await?;
        press(page, &["Esc", "Space"]).await?;
        let frame = "document.querySelector('.mirror button[aria-label*=\"waits at a cut\"]')";
        wait_for(page, frame).await?;
        page.screenshot("cut").await?;
        page.eval(&format!("{frame}.focus()")).await?;
        press(page, &["Enter"]).await?;
        shows(page, "correlation id").await?;
        wait_for(page, "/(request|response) v\\d+, (kafka-1 → kafka-100|kafka-100 → kafka-1)$/m.test(document.querySelector('.inspector h3').innerText)").await?;
        page.screenshot("told").await?;
        // The same by mouse: the frame is found where it is drawn.
        page.eval("[...document.querySelectorAll('.tab')].find((tab) => tab.innerText === 'Events').click()").await?;
        page.eval(&format!(
            "const at = {frame}.getBoundingClientRect(); document.querySelector('.stage-canvas').dispatchEvent(new MouseEvent('click', \
             {{ bubbles: true, detail: 1, clientX: at.x + at.width / 2, clientY: at.y + at.height / 2 }}))"
        ))
        .await?;
        wait_for(page, "document.querySelector('.inspector pre')?.innerText.includes('correlation id')").await
    });
}

#[test]
fn the_lesson_is_as_wide_as_wanted() {
    in_browser("resize", DESKTOP, async |page| {
        open(page, "?lesson=basics/01-topic-and-console").await?;
        let width = "document.querySelector('.lesson').offsetWidth";
        let before = page.eval(&format!("return {width}")).await?.as_i64().unwrap_or_default();
        page.eval("document.querySelector('.resizer').focus()").await?;
        press(page, &["Right", "Right", "Right"]).await?;
        wait_for(page, &format!("Math.abs({width} - {before} - 72) <= 2")).await?;
        let drag = "const edge = document.querySelector('.resizer'); edge.setPointerCapture = () => {}; \
                    for (const [type, x] of [['pointerdown', 0], ['pointermove', 500], ['pointerup', 500]]) \
                    edge.dispatchEvent(new PointerEvent(type, { bubbles: true, clientX: x }))";
        page.eval(drag).await?;
        wait_for(page, &format!("Math.abs({width} - 500) <= 2")).await?;
        page.tab.refresh().await?;
        wait_for(page, &format!("document.querySelector('[data-engine=ready]') && Math.abs({width} - 500) <= 2")).await
    });
}

/// A canvas keeps its dashes from one picture to the next: a broker that is up is not to look as if it were not.
#[test]
fn dashes_end_with_their_picture() {
    in_browser("dashes", DESKTOP, async |page| {
        let topic = "kafka-topics.sh --bootstrap-server kafka-1:9092 --create --topic orders --partitions 3 --replication-factor 3";
        open(page, "?lesson=none").await?;
        press(page, &["t"]).await?;
        wait_for(page, "document.activeElement.matches('.prompt textarea')").await?;
        press(page, &[&format!("{topic}; disk break kafka-2; sleep 9; echo gone"), "Enter"]).await?;
        wait_for(page, "[...document.querySelectorAll('.terminal .line')].some((line) => line.innerText === 'gone')").await?;
        page.screenshot("stopped").await?;
        let dashes = page.eval("return Math.max(...[...document.querySelectorAll('.stage-canvas canvas')].map((layer) => layer.getContext('2d').getLineDash().length))").await?;
        assert_eq!(dashes.as_u64(), Some(0));
        Ok(())
    });
}
