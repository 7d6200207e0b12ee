//! What the pages say is there: tests, files, commands, links, features, versions and figures. A page is README.md and its
//! like, or the documentation in the sources; nobody runs a page, so what it names is compared with what is.

#[path = "pages/commands.rs"]
mod commands;
#[path = "pages/figures.rs"]
mod figures;
#[path = "pages/links.rs"]
mod links;
#[path = "pages/page.rs"]
mod page;
#[path = "pages/properties.rs"]
mod properties;
#[path = "pages/words.rs"]
mod words;
