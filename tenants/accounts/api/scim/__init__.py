"""The SCIM door: `/scim/v2/`, for directories only."""
