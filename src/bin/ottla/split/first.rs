//! The file that the start needs: what is kept, and a stub for each function of the rest that it may call.

use std::iter;

use wasm_encoder::reencode::Reencode;
use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, Elements, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    ImportSection, MemorySection, TableSection, TypeSection, ValType,
};

use super::SplitError;
use super::data;
use super::layout::{Layout, exported_name};
use super::module::Module;

struct First<'l>(&'l Layout);

impl Reencode for First<'_> {
    type Error = SplitError;

    fn function_index(&mut self, function: u32) -> Result<u32, wasm_encoder::reencode::Error<SplitError>> {
        let missing = wasm_encoder::reencode::Error::UserError(SplitError::Unforeseen("a call of a function that is nowhere"));
        self.0.in_first(function).ok_or(missing)
    }
}

pub fn encode(module: &Module<'_>, layout: &Layout) -> Result<Vec<u8>, SplitError> {
    let mut first = First(layout);
    let mut file = wasm_encoder::Module::new();
    let mut types = types(module, &mut first)?;
    let nothing = types.len();
    types.ty().function([], []);
    file.section(&types);
    let mut imports = ImportSection::new();
    for import in &module.imports {
        first.parse_import(&mut imports, *import).map_err(SplitError::unreadable)?;
    }
    file.section(&imports);
    file.section(&functions(module, layout, nothing));
    file.section(&tables(module, layout, &mut first)?);
    let mut memories = MemorySection::new();
    for memory in &module.memories {
        memories.memory(first.memory_type(*memory).map_err(SplitError::unreadable)?);
    }
    file.section(&memories);
    let mut globals = GlobalSection::new();
    for (ty, init) in &module.globals {
        let ty = first.global_type(*ty).map_err(SplitError::unreadable)?;
        globals.global(ty, &first.const_expr(init.clone()).map_err(SplitError::unreadable)?);
    }
    let loaded = globals.len();
    globals.global(GlobalType { val_type: ValType::I32, mutable: true, shared: false }, &ConstExpr::i32_const(0));
    file.section(&globals);
    file.section(&exports(module, layout, &mut first)?);
    file.section(&elements(module, layout));
    file.section(&code(module, layout, &mut first, loaded)?);
    file.section(&data::first(module, &layout.waiting)?);
    Ok(file.finish())
}

/// The types of the whole module, under their numbers.
pub fn types(module: &Module<'_>, reencode: &mut impl Reencode<Error = SplitError>) -> Result<TypeSection, SplitError> {
    let mut types = TypeSection::new();
    for ty in &module.types {
        types.ty().func_type(&reencode.func_type(ty.clone()).map_err(SplitError::unreadable)?);
    }
    Ok(types)
}

fn functions(module: &Module<'_>, layout: &Layout, nothing: u32) -> FunctionSection {
    let mut functions = FunctionSection::new();
    let kept = layout.kept.iter().filter(|function| **function >= module.imported_functions);
    let types = |function: &u32| module.function_types[*function as usize];
    for ty in kept.map(types).chain(iter::once(nothing)).chain(layout.stubs.keys().map(|(ty, _)| *ty)) {
        functions.function(ty);
    }
    functions
}

fn tables(module: &Module<'_>, layout: &Layout, first: &mut First<'_>) -> Result<TableSection, SplitError> {
    let mut tables = TableSection::new();
    for (index, table) in module.tables.iter().enumerate() {
        let mut table = first.table_type(*table).map_err(SplitError::unreadable)?;
        if index == 0 {
            table.minimum = layout.table_size;
            table.maximum = table.maximum.map(|maximum| maximum.max(layout.table_size));
        }
        tables.table(table);
    }
    Ok(tables)
}

/// What JavaScript knows by name, and what the rest imports.
fn exports(module: &Module<'_>, layout: &Layout, first: &mut First<'_>) -> Result<ExportSection, SplitError> {
    let mut exports = ExportSection::new();
    for export in &module.exports {
        first.parse_export(&mut exports, *export).map_err(SplitError::unreadable)?;
    }
    for (kind, count, mark) in shared(module) {
        for index in 0..count {
            exports.export(&format!("{mark}{index}"), kind, index);
        }
    }
    for (n, function) in layout.wanted.iter().enumerate() {
        let index = layout.in_first(*function).ok_or(SplitError::Unforeseen("a wanted function that was moved"))?;
        exports.export(&exported_name(n), ExportKind::Func, index);
    }
    Ok(exports)
}

/// What both modules have in common besides functions: kind, number, and what the exported names begin with.
pub fn shared(module: &Module<'_>) -> [(ExportKind, u32, &'static str); 3] {
    [
        (ExportKind::Table, module.tables.len() as u32, "~t."),
        (ExportKind::Memory, module.memories.len() as u32, "~m."),
        (ExportKind::Global, module.globals.len() as u32, "~g."),
    ]
}

/// One function for each slot: of what was moved, its stub, if it has one.
fn elements(module: &Module<'_>, layout: &Layout) -> ElementSection {
    let mut slots = module.slots.clone();
    slots.extend(layout.stubs.iter().map(|((_, function), slot)| (*slot, *function)));
    let slots: Vec<(u32, u32)> =
        slots.into_iter().filter_map(|(slot, function)| layout.in_first(function).map(|index| (slot, index))).collect();
    runs(&slots)
}

/// Active segments of table 0 for (slot, function), sorted by slot.
pub fn runs(slots: &[(u32, u32)]) -> ElementSection {
    let mut elements = ElementSection::new();
    for run in slots.chunk_by(|a, b| a.0 + 1 == b.0) {
        let functions: Vec<u32> = run.iter().map(|(_, function)| *function).collect();
        elements.active(None, &ConstExpr::i32_const(run[0].0 as i32), Elements::Functions(functions.into()));
    }
    elements
}

fn code(module: &Module<'_>, layout: &Layout, first: &mut First<'_>, loaded: u32) -> Result<CodeSection, SplitError> {
    let mut code = CodeSection::new();
    for body in layout.kept.iter().filter_map(|function| module.body(*function)) {
        first.parse_function_body(&mut code, body.clone()).map_err(SplitError::unreadable)?;
    }
    let load = layout.in_first(layout.load).ok_or(SplitError::NoLoader)?;
    let mut ensure = Function::new([]);
    ensure
        .instructions()
        .global_get(loaded)
        .i32_eqz()
        .if_(wasm_encoder::BlockType::Empty)
        .call(load)
        .i32_const(1)
        .global_set(loaded)
        .end()
        .end();
    code.function(&ensure);
    for ((_, function), slot) in &layout.stubs {
        code.function(&stub(module, layout, *function, *slot)?);
    }
    Ok(code)
}

/// Stands for a function of the rest: has the rest loaded, which puts the function into its slot, and calls what is there then.
fn stub(module: &Module<'_>, layout: &Layout, function: u32, slot: u32) -> Result<Function, SplitError> {
    let mut stub = Function::new([]);
    let mut write = stub.instructions();
    write.call(layout.ensure());
    for parameter in 0..module.function_type(function)?.params().len() {
        write.local_get(parameter as u32);
    }
    write.i32_const(slot as i32).call_indirect(0, module.function_types[function as usize]).end();
    Ok(stub)
}
