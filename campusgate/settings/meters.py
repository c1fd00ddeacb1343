"""Settings of the process that reads meters."""

from pydantic import BaseModel, Field, SecretStr, field_validator


class MeterSettings(BaseModel):
    """With what meters are ordered, and whether their clocks are set."""

    password: SecretStr = Field(default=SecretStr("000000"), description="six digits, as the meters have it")
    operator: str = Field(default="00000000", pattern=r"^[0-9]{8}$", description="eight digits that meters record")
    set_clocks: bool = Field(default=True, description="broadcast the time once a day, after 03:00")

    @field_validator("password")
    @classmethod
    def _six_digits(cls, value: SecretStr) -> SecretStr:
        digits = value.get_secret_value()
        if len(digits) != 6 or not (digits.isascii() and digits.isdecimal()):
            raise ValueError("meters.password has six digits")
        return value
