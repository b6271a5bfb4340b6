//! A module that tells which of its functions were called: each marks a byte of memory, behind what the module uses.

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, Function, Instruction, MemArg, MemArgTarget, MemorySection};
use wasmparser::{FunctionBody, MemorySectionReader};

use super::SplitError;
use super::module::Module;

const PAGE: u64 = 65536;

/// A module to be run in the place of the original.
pub struct Recorder {
    pub wasm: Vec<u8>,
    /// Where in memory the marks stand.
    pub at: u64,
    /// The name of the function of each mark.
    pub names: Vec<String>,
}

struct Marking {
    at: u64,
    pages: u64,
    next: u64,
}

impl Reencode for Marking {
    type Error = SplitError;

    fn parse_memory_section(
        &mut self,
        memories: &mut MemorySection,
        section: MemorySectionReader<'_>,
    ) -> Result<(), reencode::Error<SplitError>> {
        for memory in section {
            let mut memory = self.memory_type(memory?)?;
            memory.minimum += self.pages;
            memories.memory(memory);
        }
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), reencode::Error<SplitError>> {
        let mut function: Function = self.new_function_with_parsed_locals(&body)?;
        function.instruction(&Instruction::I32Const((self.at + self.next) as i32));
        function.instruction(&Instruction::I32Const(1));
        function.instruction(&Instruction::I32Store8(MemArg { offset: 0, align: 0, target: MemArgTarget::Memory(0), ordering: None }));
        self.next += 1;
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            function.instruction(&self.parse_instruction(&mut reader)?);
        }
        code.function(&function);
        Ok(())
    }
}

/// # Errors
/// As of [`super::split`].
pub fn recorder(wasm: &[u8]) -> Result<Recorder, SplitError> {
    let module = Module::read(wasm)?;
    let memory = module.memories.first().ok_or(SplitError::Unforeseen("no memory"))?;
    let at = memory.initial * PAGE;
    let mut marking = Marking { at, pages: (module.bodies.len() as u64).div_ceil(PAGE), next: 0 };
    let mut file = wasm_encoder::Module::new();
    marking.parse_core_module(&mut file, wasmparser::Parser::new(0), wasm).map_err(SplitError::unreadable)?;
    let name = |function| module.names.get(&function).map_or_else(String::new, |name| (*name).to_owned());
    let names = (module.imported_functions..module.functions()).map(name).collect();
    Ok(Recorder { wasm: file.finish(), at, names })
}
