"""One Custify account: its objects, its settings, its clock."""
