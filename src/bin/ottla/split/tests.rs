//! On a small module of the engine's kind: what each half holds, and that both fit together.

use std::collections::{BTreeMap, BTreeSet};

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, ImportSection, MemorySection, MemoryType, Module, NameMap, NameSection, RefType, TableSection, TableType, TypeSection,
    ValType,
};
use wasmparser::{Parser, Payload, TypeRef};

use super::cold::Cold;
use super::record::recorder;
use super::{SplitError, split};

/// Functions: 0 `js` (imported), 1 `main` calls 2 and 4, 2 `hot` calls 0, 3 `load_rest`, 4 `cold` calls 2 and 5, 5 `colder`; 2 and 5 are in
/// the table.
fn engine(has_loader: bool, has_names: bool) -> Vec<u8> {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    types.ty().function([ValType::I32, ValType::I64], [ValType::I64]);
    let mut imports = ImportSection::new();
    imports.import("js", "js", wasm_encoder::EntityType::Function(0));
    let mut functions = FunctionSection::new();
    for ty in [0, 0, 0, 1, 1] {
        functions.function(ty);
    }
    let mut tables = TableSection::new();
    let table = TableType { element_type: RefType::FUNCREF, table64: false, minimum: 3, maximum: Some(3), shared: false };
    tables.table(table);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut globals = GlobalSection::new();
    globals.global(GlobalType { val_type: ValType::I32, mutable: true, shared: false }, &ConstExpr::i32_const(7));
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("main", ExportKind::Func, 1);
    if has_loader {
        exports.export("load_rest", ExportKind::Func, 3);
    }
    let mut elements = ElementSection::new();
    elements.active(None, &ConstExpr::i32_const(1), Elements::Functions(vec![2, 5].into()));
    let mut code = CodeSection::new();
    let bodies: [&dyn Fn(&mut Function); 5] = [
        &|main| _ = main.instructions().call(2).i32_const(1).i64_const(2).call(4).drop(),
        &|hot| _ = hot.instructions().call(0).i32_const(3).global_set(0),
        &|_load| {},
        &|cold| _ = cold.instructions().call(2).local_get(0).local_get(1).call(5),
        &|colder| _ = colder.instructions().global_get(0).drop().local_get(1),
    ];
    for body in bodies {
        let mut function = Function::new([]);
        body(&mut function);
        function.instructions().end();
        code.function(&function);
    }
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(8), *b"orders");
    module.section(&types).section(&imports).section(&functions).section(&tables).section(&memories).section(&globals).section(&exports);
    module.section(&elements).section(&code).section(&data);
    if has_names {
        let mut names = NameMap::new();
        ["js", "main", "hot", "load_rest", "cold", "colder"].into_iter().zip(0..).for_each(|(name, index)| names.append(index, name));
        let mut section = NameSection::new();
        section.functions(&names);
        module.section(&section);
    }
    module.finish()
}

/// What a module imports and exports, and how many bodies it has.
fn outline(wasm: &[u8]) -> (BTreeMap<String, TypeRef>, BTreeSet<String>, u32) {
    let (mut imports, mut exports, mut bodies) = (BTreeMap::new(), BTreeSet::new(), 0);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.unwrap() {
            Payload::ImportSection(section) => {
                imports.extend(section.into_imports().map(|import| import.map(|import| (import.name.to_owned(), import.ty)).unwrap()));
            }
            Payload::ExportSection(section) => exports.extend(section.into_iter().map(|export| export.unwrap().name.to_owned())),
            Payload::CodeSectionStart { count, .. } => bodies = count,
            _ => {}
        }
    }
    (imports, exports, bodies)
}

#[test]
fn what_may_wait_is_in_the_rest_and_both_fit_together() {
    let halves = split(&engine(true, true), &Cold::recorded([("cold", false), ("colder", false), ("main", true)])).unwrap();
    let ((imports, exports, bodies), (wanted, offered, moved)) = (outline(&halves.first), outline(&halves.rest));
    assert_eq!(imports.keys().collect::<Vec<_>>(), ["js"], "JavaScript gives what it gave before");
    assert!(["memory", "main", "load_rest"].iter().all(|name| exports.contains(*name)), "{exports:?}");
    assert!(wanted.keys().all(|name| exports.contains(name)), "{wanted:?} of {exports:?}");
    assert_eq!((moved, offered.len()), (2, 0), "cold and colder");
    // main, hot, load_rest; what all stubs call; a stub of cold, which main calls, and of colder, which stands in the table.
    assert_eq!(bodies, 6);
    // The function `hot`, the table, the memory, the global; `js` is called by nobody there.
    assert_eq!(wanted.len(), 4, "{wanted:?}");
}

#[test]
fn what_is_exported_or_loads_the_rest_never_waits() {
    let all = ["js", "main", "hot", "load_rest", "cold", "colder"];
    let halves = split(&engine(true, true), &Cold::recorded(all.map(|name| (name, false)))).unwrap();
    assert_eq!(outline(&halves.rest).2, 3, "hot, cold, colder");
    let unknown = split(&engine(true, true), &Cold::default()).unwrap();
    assert_eq!(outline(&unknown.rest).2, 0, "what no recording knows stays");
}

#[test]
fn what_cannot_be_split_is_said() {
    let error = |wasm: &[u8]| split(wasm, &Cold::default()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error(&engine(true, false)).contains("no function names"));
    assert!(error(&engine(false, true)).contains("does not export `load_rest`"));
    assert!(error(&engine(true, true)[..60]).contains("no wasm module"));
    assert!(matches!(split(b"not wasm", &Cold::default()), Err(SplitError::Unreadable(_))));
}

#[test]
fn a_recorder_is_the_same_module_with_marks() {
    let recorder = recorder(&engine(true, true)).unwrap();
    wasmparser::validate(&recorder.wasm).unwrap();
    assert_eq!(recorder.names, ["main", "hot", "load_rest", "cold", "colder"]);
    assert_eq!(recorder.at, 65536, "behind the module's own memory");
    assert_eq!(outline(&recorder.wasm).1, outline(&engine(true, true)).1);
}
