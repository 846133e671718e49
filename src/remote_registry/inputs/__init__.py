"""Text becomes frozen dataclasses, or one `BadInput` that names each input at fault."""
