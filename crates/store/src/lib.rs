//! Every SQL statement, a module per aggregate, and the migrations.
