//! Static data: what only the rest reads goes with it.
//!
//! The linker tells each constant's place, and which others and which functions it points to (`--emit-relocs`, .cargo/config.toml). What a
//! kept function names, and what can be reached from there, stays. A number that only looks like an address keeps a constant too many,
//! which costs a few bytes. The compiler may name a constant by an address before it (an index is folded in) or by its end: the linker's
//! list shows that, and such constants stay.

use std::collections::BTreeSet;
use std::ops::Range;

use wasm_encoder::{ConstExpr, DataSection};
use wasmparser::{DataKind, KnownCustom, Linking, Operator, RelocAddendKind, RelocationType, SymbolInfo};

use super::SplitError;
use super::module::Module;

/// Kept data with a gap of fewer bytes between is one segment: its head would take as much.
const GAP: u32 = 8;

/// A constant or a static variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: u32,
    size: u32,
}

/// What the linker says of the data, in addresses.
#[derive(Default)]
pub struct Places {
    /// By address, no two overlap.
    places: Vec<Place>,
    /// (where in the data a pointer stands, where it points to).
    pointers: Vec<(u32, u32)>,
    /// Addresses of what the code names by an address that is not within it.
    named_from_outside: Vec<u32>,
    /// (where in the data a function's slot of the table stands, the slot).
    slots: Vec<(u32, u32)>,
}

/// What stays behind when the kept code names some addresses.
pub struct Staying {
    /// Addresses of data that may wait, in order.
    pub waiting: Vec<Range<u32>>,
    /// Slots of functions that the data names that stays.
    pub slots: BTreeSet<u32>,
}

impl Places {
    /// Empty if the linker said nothing: then all data stays.
    pub fn read(module: &Module<'_>) -> Result<Self, SplitError> {
        let mut places = Self::default();
        let segments = module.segments()?;
        let mut symbols = Vec::new();
        for section in &module.linking {
            let KnownCustom::Linking(linking) = section.as_known() else { continue };
            for part in linking {
                let Linking::SymbolTable(table) = part.map_err(SplitError::unreadable)? else { continue };
                for symbol in table {
                    symbols.push(match symbol.map_err(SplitError::unreadable)? {
                        SymbolInfo::Data { symbol: Some(data), .. } => {
                            segments.get(data.index as usize).map(|(at, _)| Place { at: at + data.offset, size: data.size })
                        }
                        _ => None,
                    });
                }
            }
        }
        for section in &module.linking {
            let KnownCustom::Reloc(list) = section.as_known() else { continue };
            let in_data = section.name() == "reloc.DATA";
            for entry in list.entries() {
                let entry = entry.map_err(SplitError::unreadable)?;
                if in_data && entry.ty == RelocationType::TableIndexI32 {
                    let slot = module.address_in_data(entry.offset).and_then(|at| Some((at, module.word_at(at)?)));
                    places.slots.push(slot.ok_or(SplitError::Unforeseen("a function's slot outside of its data"))?);
                    continue;
                }
                let Some(place) = symbols.get(entry.index as usize).copied().flatten() else { continue };
                if entry.ty.addend_kind() == RelocAddendKind::None || !matches!(section.name(), "reloc.CODE" | "reloc.DATA") {
                    continue;
                }
                if !(0..i64::from(place.size).max(1)).contains(&entry.addend) {
                    places.named_from_outside.push(place.at);
                }
                if in_data {
                    let stands_at = module.address_in_data(entry.offset).ok_or(SplitError::Unforeseen("a pointer outside of its data"))?;
                    // The list was made before wasm-bindgen: let nothing have moved since.
                    if module.word_at(stands_at) != Some(place.at.wrapping_add_signed(entry.addend as i32)) {
                        return Err(SplitError::Unforeseen("a pointer to another place than the linker says"));
                    }
                    places.pointers.push((stands_at, place.at));
                }
            }
        }
        places.places = symbols.into_iter().flatten().filter(|place| place.size > 0).collect();
        places.places.sort_unstable();
        // Constants that are the end of another one are one with it.
        places.places.dedup_by(|next, place| {
            let overlaps = next.at < place.at + place.size;
            place.size = if overlaps { place.size.max(next.at + next.size - place.at) } else { place.size };
            overlaps
        });
        places.pointers.sort_unstable();
        places.slots.sort_unstable();
        Ok(places)
    }

    /// Whether the linker said nothing.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub fn staying(&self, named: &BTreeSet<u32>) -> Staying {
        let mut kept = vec![false; self.places.len()];
        let mut slots = BTreeSet::new();
        let mut pending: Vec<usize> = named.iter().chain(&self.named_from_outside).filter_map(|address| self.holds(*address)).collect();
        while let Some(place) = pending.pop() {
            if std::mem::replace(&mut kept[place], true) {
                continue;
            }
            let Place { at, size } = self.places[place];
            pending.extend(within(&self.pointers, at..at + size).filter_map(|(_, to)| self.holds(*to)));
            slots.extend(within(&self.slots, at..at + size).map(|(_, slot)| *slot));
        }
        let waiting = self.places.iter().zip(kept).filter(|(_, kept)| !kept);
        Staying { waiting: waiting.map(|(place, _)| place.at..place.at + place.size).collect(), slots }
    }

    /// The place that an address lies in.
    fn holds(&self, address: u32) -> Option<usize> {
        let index = self.places.partition_point(|place| place.at <= address).checked_sub(1)?;
        let place = self.places[index];
        (address < place.at + place.size).then_some(index)
    }
}

/// What stands in a range of addresses, of a list that is sorted by address.
fn within(list: &[(u32, u32)], range: Range<u32>) -> impl Iterator<Item = &(u32, u32)> {
    let from = list.partition_point(|(stands_at, _)| *stands_at < range.start);
    list[from..].iter().take_while(move |(stands_at, _)| *stands_at < range.end)
}

impl<'a> Module<'a> {
    /// Address and bytes of each segment.
    pub fn segments(&self) -> Result<Vec<(u32, &'a [u8])>, SplitError> {
        let address = |data: &wasmparser::Data<'a>| match &data.kind {
            DataKind::Active { memory_index: 0, offset_expr } => match offset_expr.get_operators_reader().read() {
                Ok(Operator::I32Const { value }) => Ok((value as u32, data.data)),
                _ => Err(SplitError::Unforeseen("data at a place that is no constant")),
            },
            _ => Err(SplitError::Unforeseen("passive data")),
        };
        self.data.iter().map(address).collect()
    }

    /// The four bytes at an address.
    fn word_at(&self, address: u32) -> Option<u32> {
        self.segments().ok()?.into_iter().find_map(|(at, bytes)| {
            let from = address.checked_sub(at)? as usize;
            Some(u32::from_le_bytes(bytes.get(from..from + 4)?.try_into().ok()?))
        })
    }

    /// The address of what stands `offset` bytes into the data section.
    fn address_in_data(&self, offset: u32) -> Option<u32> {
        let offset = self.data_section.checked_add(u64::from(offset))?;
        self.data.iter().zip(self.segments().ok()?).find_map(|(data, (at, bytes))| {
            let begins = data.range.end - bytes.len() as u64;
            (begins..data.range.end).contains(&offset).then(|| at + (offset - begins) as u32)
        })
    }
}

/// The data of the first file: all but what waits.
pub fn first(module: &Module<'_>, waiting: &[Range<u32>]) -> Result<DataSection, SplitError> {
    let mut section = DataSection::new();
    for (at, bytes) in module.segments()? {
        let end = at + bytes.len() as u32;
        let mut run = at..at;
        for gap in waiting.iter().filter(|gap| gap.start >= at && gap.end <= end).chain([&(end..end)]) {
            run.end = gap.start;
            if gap.len() as u32 >= GAP || gap.start == end {
                segment(&mut section, at, bytes, trimmed(at, bytes, run.clone()));
                run.start = gap.end;
            }
        }
    }
    Ok(section)
}

/// The data of the rest.
pub fn rest(module: &Module<'_>, waiting: &[Range<u32>]) -> Result<DataSection, SplitError> {
    let mut section = DataSection::new();
    for (at, bytes) in module.segments()? {
        let end = at + bytes.len() as u32;
        let mut runs: Vec<Range<u32>> = Vec::new();
        for place in waiting.iter().filter(|place| place.start >= at && place.end <= end) {
            match runs.last_mut() {
                Some(run) if run.end == place.start => run.end = place.end,
                _ => runs.push(place.clone()),
            }
        }
        runs.into_iter().for_each(|run| segment(&mut section, at, bytes, run));
    }
    Ok(section)
}

/// Memory is zero before.
fn trimmed(at: u32, bytes: &[u8], mut run: Range<u32>) -> Range<u32> {
    while run.start < run.end && bytes[(run.end - 1 - at) as usize] == 0 {
        run.end -= 1;
    }
    run
}

fn segment(section: &mut DataSection, at: u32, bytes: &[u8], run: Range<u32>) {
    if !run.is_empty() {
        let held = &bytes[(run.start - at) as usize..(run.end - at) as usize];
        section.active(0, &ConstExpr::i32_const(run.start as i32), held.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A constant of eight bytes at each of these: 100 points to 116; 108 to nothing; 116 holds slot 7; 124 is named by its end; 132 holds slot 9.
    fn places() -> Places {
        Places {
            places: [100, 108, 116, 124, 132].map(|at| Place { at, size: 8 }).to_vec(),
            pointers: vec![(104, 116)],
            named_from_outside: vec![124],
            slots: vec![(116, 7), (132, 9)],
        }
    }

    #[test]
    fn what_is_reached_stays_and_its_neighbours_may_wait() {
        let staying = places().staying(&BTreeSet::from([100]));
        assert_eq!(staying.waiting, [108..116, 132..140], "100, 116 by it, 124 by its end");
        assert_eq!(staying.slots, BTreeSet::from([7]));
    }

    #[test]
    fn an_address_within_a_constant_names_it_and_one_behind_it_does_not() {
        let waiting = |address| places().staying(&BTreeSet::from([address])).waiting;
        assert_eq!(waiting(115), [100..108, 116..124, 132..140]);
        assert_eq!(waiting(140), [100..108, 108..116, 116..124, 132..140]);
        assert_eq!(waiting(99), waiting(140));
    }
}
