//! A wasm module, read as far as splitting needs it.

use std::collections::BTreeMap;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, Instruction, MemArg};
use wasmparser::{
    CustomSectionReader, ElementItems, ElementKind, Export, FuncType, FunctionBody, GlobalType, Import, KnownCustom, MemoryType, Name,
    Operator, Parser, Payload, TableType, TypeRef,
};

use super::SplitError;

/// The sections of one module; whatever is not here must not be there.
#[derive(Default)]
pub struct Module<'a> {
    pub types: Vec<FuncType>,
    pub imports: Vec<Import<'a>>,
    /// The type of every function, imported ones first.
    pub function_types: Vec<u32>,
    pub imported_functions: u32,
    pub tables: Vec<TableType>,
    pub memories: Vec<MemoryType>,
    pub globals: Vec<(GlobalType, wasmparser::ConstExpr<'a>)>,
    pub exports: Vec<Export<'a>>,
    /// Functions in the table, by slot.
    pub slots: BTreeMap<u32, u32>,
    /// Of the functions that are not imported.
    pub bodies: Vec<FunctionBody<'a>>,
    pub data: Vec<wasmparser::Data<'a>>,
    /// Where the data section begins in the file.
    pub data_section: u64,
    /// What the linker tells of symbols and of places that name them.
    pub linking: Vec<CustomSectionReader<'a>>,
    pub names: BTreeMap<u32, &'a str>,
}

/// What a function names.
#[derive(Default)]
pub struct Mentions {
    pub functions: Vec<u32>,
    /// Numbers that may be addresses.
    pub addresses: Vec<u32>,
}

/// Copies a function and takes note of what comes by.
impl Reencode for Mentions {
    type Error = SplitError;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<SplitError>> {
        self.functions.push(function);
        Ok(function)
    }

    fn mem_arg(&mut self, arg: wasmparser::MemArg) -> Result<MemArg, Error<SplitError>> {
        self.addresses.push(arg.offset as u32);
        utils::mem_arg(self, arg)
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, Error<SplitError>> {
        if let Operator::I32Const { value } = operator {
            self.addresses.push(value as u32);
        }
        utils::instruction(self, operator)
    }
}

impl<'a> Module<'a> {
    pub fn read(wasm: &'a [u8]) -> Result<Self, SplitError> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            module.section(payload.map_err(SplitError::unreadable)?)?;
        }
        Ok(module)
    }

    pub fn functions(&self) -> u32 {
        self.function_types.len() as u32
    }

    /// The body of a function; none of an imported one.
    pub fn body(&self, function: u32) -> Option<&FunctionBody<'a>> {
        self.bodies.get(function.checked_sub(self.imported_functions)? as usize)
    }

    pub fn function_type(&self, function: u32) -> Result<&FuncType, SplitError> {
        let index = self.function_types.get(function as usize).ok_or(SplitError::Unforeseen("a function without a type"))?;
        self.types.get(*index as usize).ok_or(SplitError::Unforeseen("a type of a later proposal"))
    }

    /// What a function names.
    pub fn mentions(&self, function: u32) -> Result<Mentions, SplitError> {
        let mut mentions = Mentions::default();
        if let Some(body) = self.body(function) {
            mentions.parse_function_body(&mut CodeSection::new(), body.clone()).map_err(SplitError::unreadable)?;
        }
        Ok(mentions)
    }

    fn section(&mut self, payload: Payload<'a>) -> Result<(), SplitError> {
        let bad = |error: wasmparser::BinaryReaderError| SplitError::unreadable(error);
        match payload {
            Payload::TypeSection(types) => {
                for ty in types.into_iter_err_on_gc_types() {
                    self.types.push(ty.map_err(bad)?);
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(bad)?;
                    let TypeRef::Func(ty) = import.ty else { return Err(SplitError::Unforeseen("an import that is no function")) };
                    self.function_types.push(ty);
                    self.imported_functions += 1;
                    self.imports.push(import);
                }
            }
            Payload::FunctionSection(functions) => {
                for ty in functions {
                    self.function_types.push(ty.map_err(bad)?);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    self.tables.push(table.map_err(bad)?.ty);
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    self.memories.push(memory.map_err(bad)?);
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let global = global.map_err(bad)?;
                    self.globals.push((global.ty, global.init_expr));
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    self.exports.push(export.map_err(bad)?);
                }
            }
            Payload::ElementSection(elements) => {
                for element in elements {
                    self.element(element.map_err(bad)?)?;
                }
            }
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::DataSection(data) => {
                self.data_section = data.range().start;
                for data in data {
                    let data = data.map_err(bad)?;
                    self.data.push(data);
                }
            }
            Payload::CustomSection(custom) if custom.name() == "linking" || custom.name().starts_with("reloc.") => {
                self.linking.push(custom)
            }
            Payload::CustomSection(custom) => {
                if let KnownCustom::Name(names) = custom.as_known() {
                    for name in names {
                        if let Name::Function(functions) = name.map_err(bad)? {
                            for naming in functions {
                                let naming = naming.map_err(bad)?;
                                self.names.insert(naming.index, naming.name);
                            }
                        }
                    }
                }
            }
            Payload::StartSection { .. } => return Err(SplitError::Unforeseen("a start function")),
            Payload::TagSection(_) => return Err(SplitError::Unforeseen("exceptions")),
            _ => {}
        }
        Ok(())
    }

    fn element(&mut self, element: wasmparser::Element<'a>) -> Result<(), SplitError> {
        let bad = |error: wasmparser::BinaryReaderError| SplitError::unreadable(error);
        let ElementKind::Active { table_index: None | Some(0), offset_expr } = element.kind else {
            return Err(SplitError::Unforeseen("elements that are not active, or of another table"));
        };
        let ElementItems::Functions(functions) = element.items else {
            return Err(SplitError::Unforeseen("elements that are no plain functions"));
        };
        let Ok(Operator::I32Const { value }) = offset_expr.get_operators_reader().read() else {
            return Err(SplitError::Unforeseen("elements at a place that is no constant"));
        };
        for (slot, function) in (value as u32..).zip(functions) {
            self.slots.insert(slot, function.map_err(bad)?);
        }
        Ok(())
    }
}
