//! Prints a case's figures for people, and all of them as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::cases::Case;
use crate::contenders::Role;
use crate::harness::Series;
use crate::meter::Unit;
use crate::statistics::Summary;
use crate::targets::{Subject, Target, Verdict};

/// The table of one case.
pub fn table(case: &Case, all: &[Series]) -> String {
    let mut text = String::new();
    let runs = all
        .iter()
        .map(|series| series.samples.len())
        .max()
        .unwrap_or(0);
    let _ = writeln!(
        text,
        "{}  {} ({}, {runs} runs)",
        case.name, case.what, case.unit
    );
    let ours = all
        .iter()
        .find(|series| series.contender.role == Role::Ours);
    for series in all {
        let _ = write!(text, "  {:<9}", series.contender.name);
        if let Some(summary) = Summary::of(&series.values()) {
            let _ = write!(text, "{:>12.1}{:>12.1}", summary.min, summary.median);
        }
        if let Some(ratio) = ours.and_then(|ours| ratio(ours, series))
            && series.contender.role != Role::Ours
        {
            let _ = write!(
                text,
                "   ours/it {:.2} ({:.2}–{:.2})",
                ratio.median, ratio.min, ratio.max
            );
        }
        for (name, count) in counts(series) {
            let _ = write!(text, "   {name} {count:.2}");
        }
        if let Some(failure) = &series.failure {
            let _ = write!(text, "   failed: {failure}");
        }
        text.push('\n');
    }
    for target in Target::of_case(case.name) {
        if let Some(figure) = ours.and_then(|ours| figure(target, ours, all)) {
            let verdict = match target.judge(figure) {
                Verdict::Met => "met",
                Verdict::WithinNoise => "within noise",
                Verdict::Missed => "MISSED",
            };
            let _ = writeln!(
                text,
                "  target: {}: {figure:.2}, {verdict}",
                target.sentence
            );
        } else {
            let _ = writeln!(text, "  target: {}", target.sentence);
        }
    }
    text
}

/// The figure that `target` judges, if there is one.
pub fn figure(target: &Target, ours: &Series, all: &[Series]) -> Option<f64> {
    match target.subject {
        Subject::RatioTo(name) => {
            let peer = all.iter().find(|series| series.contender.name == name)?;
            Some(ratio(ours, peer)?.median)
        }
        Subject::RatioToBestPeer => Some(ratio(ours, best_peer(all)?)?.median),
        Subject::Median => Some(Summary::of(&ours.values())?.median),
        Subject::Count(name) => counts(ours)
            .find(|(n, _)| *n == name)
            .map(|(_, count)| count),
    }
}

fn ratio(ours: &Series, theirs: &Series) -> Option<Summary> {
    Summary::of_paired_ratios(&ours.values(), &theirs.values())
}

/// The peer with the lowest median.
fn best_peer(all: &[Series]) -> Option<&Series> {
    all.iter()
        .filter(|series| series.contender.role == Role::Peer)
        .filter_map(|series| Some((series, Summary::of(&series.values())?.median)))
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(series, _)| series)
}

/// What was counted on the side: the largest of all runs, for each name.
fn counts(series: &Series) -> impl Iterator<Item = (&'static str, f64)> {
    let names = series
        .samples
        .first()
        .map_or(&[][..], |sample| &sample.counts);
    names.iter().enumerate().map(|(i, (name, _))| {
        let all = series
            .samples
            .iter()
            .filter_map(|sample| sample.counts.get(i));
        (*name, all.map(|(_, count)| *count).fold(0.0, f64::max))
    })
}

/// The JSON entries of one case, one for each contender with samples.
pub fn json(case: &Case, all: &[Series]) -> Vec<Value> {
    let entry = |series: &Series| {
        let summary = Summary::of(&series.values())?;
        Some(json!({
            "case": case.name,
            "contender": series.contender.name,
            "unit": case.unit.to_string(),
            "best": summary.min,
            "median": summary.median,
            "runs": series.samples.len(),
        }))
    };
    all.iter().filter_map(entry).collect()
}

/// The head of the report: who takes part, in which version, and on what.
pub fn heading(contenders: &[&crate::contenders::Contender]) -> String {
    let mut text = String::new();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let _ = writeln!(text, "{cores} cores, {}", std::env::consts::ARCH);
    for contender in contenders {
        let versions: Vec<String> = contender
            .versions()
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        let _ = writeln!(
            text,
            "  {:<9} {}{}{}",
            contender.name,
            versions.join(", "),
            if versions.is_empty() { "" } else { ": " },
            contender.about
        );
    }
    let _ = writeln!(
        text,
        "columns: best, median (units: {}, {}, {}); ours/it: median of paired ratios (least–most)",
        Unit::NsCpu,
        Unit::NsWall,
        Unit::Bytes
    );
    text
}
