"""The keys of the project file: its JSON Schema, without texts."""


def test_the_schema_of_the_project_file(penstock, without_names, golden):
    golden("project_file", without_names(penstock("schema").document))
