/* A library instead of a program: functions for others to call. */

__attribute__((export_name("area"))) double area(double width, double height)
{
    return width * height;
}
