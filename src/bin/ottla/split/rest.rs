//! The file that follows: it imports what it shares with the first one, and puts its functions into their slots of the table.

use wasm_encoder::reencode::Reencode;
use wasm_encoder::{CodeSection, EntityType, FunctionSection, ImportSection, MemoryType};

use super::data;
use super::first::{runs, shared, types};
use super::layout::{Layout, exported_name};
use super::module::Module;
use super::{FIRST, SplitError};

struct Rest<'l>(&'l Layout);

impl Reencode for Rest<'_> {
    type Error = SplitError;

    fn function_index(&mut self, function: u32) -> Result<u32, wasm_encoder::reencode::Error<SplitError>> {
        let missing = wasm_encoder::reencode::Error::UserError(SplitError::Unforeseen("a call of a function that is nowhere"));
        self.0.in_rest(function).ok_or(missing)
    }
}

pub fn encode(module: &Module<'_>, layout: &Layout) -> Result<Vec<u8>, SplitError> {
    let mut rest = Rest(layout);
    let mut file = wasm_encoder::Module::new();
    file.section(&types(module, &mut rest)?);
    file.section(&imports(module, layout, &mut rest)?);
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for function in &layout.moved {
        functions.function(module.function_types[*function as usize]);
        let body = module.body(*function).ok_or(SplitError::Unforeseen("a moved function without a body"))?;
        rest.parse_function_body(&mut code, body.clone()).map_err(SplitError::unreadable)?;
    }
    file.section(&functions);
    let mut slots = Vec::new();
    for ((_, function), slot) in &layout.stubs {
        slots.push((*slot, layout.in_rest(*function).ok_or(SplitError::Unforeseen("a stub of a kept function"))?));
    }
    // A function may stand in several slots. Those of kept functions have been filled.
    let moved = module.slots.iter().filter(|(_, function)| layout.moved.binary_search(function).is_ok());
    slots.extend(moved.filter_map(|(slot, function)| Some((*slot, layout.in_rest(*function)?))));
    slots.sort_unstable();
    slots.dedup();
    file.section(&runs(&slots));
    file.section(&code);
    file.section(&data::rest(module, &layout.waiting)?);
    Ok(file.finish())
}

fn imports(module: &Module<'_>, layout: &Layout, rest: &mut Rest<'_>) -> Result<ImportSection, SplitError> {
    let mut imports = ImportSection::new();
    for (n, function) in layout.wanted.iter().enumerate() {
        imports.import(FIRST, &exported_name(n), EntityType::Function(module.function_types[*function as usize]));
    }
    let [(_, _, table_mark), (_, _, memory_mark), (_, _, global_mark)] = shared(module);
    for (index, table) in module.tables.iter().enumerate() {
        let mut table = rest.table_type(*table).map_err(SplitError::unreadable)?;
        if index == 0 {
            table.minimum = layout.table_size;
            table.maximum = table.maximum.map(|maximum| maximum.max(layout.table_size));
        }
        imports.import(FIRST, &format!("{table_mark}{index}"), table);
    }
    for (index, memory) in module.memories.iter().enumerate() {
        let memory: MemoryType = rest.memory_type(*memory).map_err(SplitError::unreadable)?;
        imports.import(FIRST, &format!("{memory_mark}{index}"), memory);
    }
    for (index, (global, _)) in module.globals.iter().enumerate() {
        imports.import(FIRST, &format!("{global_mark}{index}"), rest.global_type(*global).map_err(SplitError::unreadable)?);
    }
    Ok(imports)
}
