"""The border: every byte that may come from a stranger is read here, and is plain data or an error behind it.

| module | reads | refuses |
| --- | --- | --- |
| `json_text` | JSON of manifests, runs, data lists and jobs | NaN, infinity, names given twice, nesting without end |
| `yaml_text` | YAML of settings and label names | tags, aliases, keys given twice, nesting and length without end |
| `archive` | the files of a model, which is a zip or a folder | names that point outside, links, bombs, two meanings |
| `tensors` | files of PyTorch and safetensors | calls, and tensors of more bytes than their file |

Here stands what is true of any file: what it may make the reader do, and how much memory it may take. What the values
mean (settings, architectures, shapes of a network) is checked by those who need them, and nothing is checked twice.
Weights of older model formats bring a reader of their own, `dints.model.legacy`.
"""
