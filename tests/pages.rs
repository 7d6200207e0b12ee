//! What the pages say is there: tests, files, commands, links, features, versions and figures. A page is README.md and its
//! like, or the documentation in the sources; nobody runs a page, so what it names is compared with what is.

mod commands;
mod figures;
mod links;
mod page;
mod properties;
mod words;
