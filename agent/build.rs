//! Makes the contract known to the compiler, so that every query is checked against it.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=../schema.graphql");
    cynic_codegen::register_schema("tidemark")
        .from_sdl_file("../schema.graphql")?
        .as_default()?;
    Ok(())
}
