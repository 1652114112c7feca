from .source import Ukbb as Ukbb
