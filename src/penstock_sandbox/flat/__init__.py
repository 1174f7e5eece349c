"""The handlers of the flat dialect: the requirement page's literal paths and bodies."""
